// SPDX-License-Identifier: MIT OR Apache-2.0
// Panics through every function: panics N
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

static MIDDLES: AtomicU32 = AtomicU32::new(0);
static PLAINS: AtomicU32 = AtomicU32::new(0);
static DROPPED: AtomicU32 = AtomicU32::new(0);

struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Relaxed);
    }
}

#[inline(never)]
#[no_mangle]
pub fn zoo_odd(x: u32) -> u32 {
    if x % 2 == 1 {
        panic!("odd");
    }
    x + PLAINS.load(Relaxed)
}

#[inline(never)]
#[no_mangle]
pub fn zoo_middle(x: u32) -> u32 {
    let _guard = Guard;
    MIDDLES.fetch_add(1, Relaxed);
    zoo_odd(x) + 1
}

#[inline(never)]
#[no_mangle]
pub fn zoo_plain(x: u32) -> u32 {
    PLAINS.fetch_add(1, Relaxed) + x
}

fn main() {
    std::panic::set_hook(Box::new(|_| {}));
    let n: u32 = std::env::args().nth(1).map_or(10, |word| word.parse().unwrap());
    let (mut caught, mut sum) = (0, 0);
    for i in 0..n {
        sum += zoo_plain(i);
        match std::panic::catch_unwind(|| zoo_middle(i)) {
            Ok(value) => sum += value,
            Err(_) => caught += 1,
        }
    }
    let (middles, plains) = (MIDDLES.load(Relaxed), PLAINS.load(Relaxed));
    println!("panics: {}, {} caught, {} dropped", sum, caught, DROPPED.load(Relaxed));
    for (name, calls) in [("odd", middles), ("middle", middles)] {
        println!("calls zoo_{} {}\nends zoo_{} {}", name, calls, name, calls - caught);
    }
    println!("calls zoo_plain {}", plains);
    std::process::exit(3);
}
