package app

// CheckDatabase is the check of the database in Serve.
var CheckDatabase = checkDatabase
