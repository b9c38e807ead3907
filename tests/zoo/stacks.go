// SPDX-License-Identifier: MIT OR Apache-2.0
// stacks N ROUTINES: stacks that grow, and so move, under functions that have not returned, on whatever thread they are;
// panics through every function.
package main

import (
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
)

var deeps, panics int64

//go:noinline
func deep(n int, out *[64]int) int {
	var room [16]int
	atomic.AddInt64(&deeps, 1)
	room[n%16] = n
	out[n%64] += room[n%16]
	if n <= 1 {
		return 1
	}
	return deep(n-1, out) + room[(n+1)%16] + 1
}

//go:noinline
func odd(i int) int {
	if i%2 == 1 {
		panic("odd")
	}
	return i
}

//go:noinline
func caught(i int) (r int) {
	defer func() {
		if recover() != nil {
			panics++
			r = -1
		}
	}()
	return odd(i)
}

func argument(i, otherwise int) int {
	if len(os.Args) <= i {
		return otherwise
	}
	n, _ := strconv.Atoi(os.Args[i])
	return n
}

func main() {
	n, routines := argument(1, 100), argument(2, 8)
	done := make(chan int)
	sum := 0
	for i := 0; i < routines; i++ {
		go func() {
			var out [64]int
			done <- deep(n, &out)
		}()
	}
	for i := 0; i < routines; i++ {
		sum += <-done
	}
	for i := 0; i < n; i++ {
		sum += caught(i)
	}
	fmt.Println("sum", sum, "panics", panics)
	fmt.Println("calls main.deep", deeps)
	fmt.Println("calls main.odd", n)
	fmt.Println("ends main.odd", int64(n)-panics)
	fmt.Println("calls main.caught", n)
	os.Exit(4)
}
