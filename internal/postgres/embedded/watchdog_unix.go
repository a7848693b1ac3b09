//go:build linux || darwin

package embedded

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// watchdog starts a shell that waits for this process to end, which it sees as the
// end of a pipe, and then asks the server for a fast shutdown. It is for kernels
// without a parent death signal. The shell ends with the server.
func watchdog(s *Server) error {
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd := exec.Command("/bin/sh", "-c", `read -r _; kill -INT "$0"`, strconv.Itoa(s.process.Pid))
	cmd.Stdin = read
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = cmd.Start()
	read.Close()
	if err != nil {
		write.Close()
		return err
	}
	go func() {
		<-s.done
		_ = cmd.Process.Kill() // before the pipe ends, lest it signals a reused pid
		_ = cmd.Wait()         // ends with "signal: killed"
		write.Close()
	}()
	return nil
}
