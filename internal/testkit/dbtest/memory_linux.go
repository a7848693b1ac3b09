package dbtest

import (
	"syscall"

	"github.com/smoothschedule/smoothschedule/internal/postgres/embedded"
)

const (
	memoryDir    = "/dev/shm"
	tmpfs        = 0x01021994 // statfs(2), TMPFS_MAGIC
	enoughMemory = 4 << 30
)

// roomyMemory is a file system in memory with room for many databases, or nothing. A
// database is several hundred small files, and making and removing them is what a
// clone costs; on a disk that can be ten times as much.
func roomyMemory() string {
	var st syscall.Statfs_t
	if err := syscall.Statfs(memoryDir, &st); err != nil {
		return ""
	}
	free := st.Bavail * uint64(st.Bsize)
	if st.Type != tmpfs || free < enoughMemory || embedded.CheckReachable(memoryDir) != nil {
		return ""
	}
	return memoryDir
}
