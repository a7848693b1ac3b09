package dbtest

// roomyMemory is nothing: this system mounts no file system in memory.
func roomyMemory() string { return "" }
