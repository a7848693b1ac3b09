package embedded

import "syscall"

// boundToUs cannot bind the child to this process here; guard does.
func boundToUs(a account) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: a.credential()}
}

// guard starts the watchdog that stops the server when this process is gone.
func guard(s *Server) error { return watchdog(s) }
