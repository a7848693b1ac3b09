package availability

import "math/bits"

// lanes is a set of lanes, as bits, with room for MaxCapacity of them.
type lanes [(MaxCapacity + 63) / 64]uint64

// add ignores lanes that no resource can have.
func (l *lanes) add(lane int) {
	if lane >= 0 && lane < len(l)*64 {
		l[lane/64] |= 1 << (lane % 64)
	}
}

// lowestFree returns the lowest lane that is not in the set.
func (l *lanes) lowestFree() int {
	for i, word := range l {
		if word != ^uint64(0) {
			return i*64 + bits.TrailingZeros64(^word)
		}
	}
	return len(l) * 64
}
