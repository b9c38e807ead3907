// SPDX-License-Identifier: MIT OR Apache-2.0
package main

import (
	"fmt"
	"os"
)

//go:noinline
func deep(n int, out *[64]int) int {
	var room [16]int
	room[n%16] = n
	out[n%64] += room[n%16]
	if n <= 1 {
		return 1
	}
	return deep(n-1, out) + room[(n+1)%16] + 1
}

func main() {
	done := make(chan int)
	sum := 0
	for i := 0; i < 8; i++ {
		go func() {
			var out [64]int
			done <- deep(2000, &out)
		}()
	}
	for i := 0; i < 8; i++ {
		sum += <-done
	}
	fmt.Println("sum", sum)
	os.Exit(4)
}
