package embedded

import "syscall"

// boundToUs makes the kernel send SIGINT, a fast shutdown, to the child when this
// process ends in any way.
func boundToUs(a account) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGINT, Credential: a.credential()}
}

// guard has nothing to add to what the kernel does.
func guard(*Server) error { return nil }
