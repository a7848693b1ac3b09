package app

// CheckDatabase is what Serve asks of the database.
var CheckDatabase = checkDatabase
