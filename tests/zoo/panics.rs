// SPDX-License-Identifier: MIT OR Apache-2.0
use std::panic;

#[inline(never)]
#[no_mangle]
pub fn zoo_middle(x: i32) -> i32 {
    if x % 2 == 1 {
        panic!("odd");
    }
    x + 1
}

#[inline(never)]
#[no_mangle]
pub fn zoo_plain(x: i32) -> i32 {
    std::hint::black_box(x) + 1
}

fn main() {
    panic::set_hook(Box::new(|_| {}));
    let mut caught = 0;
    for i in 0..101 {
        std::hint::black_box(zoo_plain(i));
        if panic::catch_unwind(|| zoo_middle(std::hint::black_box(i))).is_err() {
            caught += 1;
        }
    }
    println!("caught {}", caught);
    std::process::exit(3);
}
