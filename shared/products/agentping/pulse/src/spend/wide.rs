//! Products of two 128-bit numbers.

/// The product, its high half first, so that two products compare as they should.
pub(super) const fn product(one: u128, other: u128) -> (u128, u128) {
    const LOW: u128 = u64::MAX as u128;
    let (a, b) = (one >> 64, one & LOW);
    let (c, d) = (other >> 64, other & LOW);
    let (low, middle, cross, high) = (b * d, a * d, b * c, a * c);
    let carried = (low >> 64) + (middle & LOW) + (cross & LOW);
    (high + (middle >> 64) + (cross >> 64) + (carried >> 64), (carried << 64) | (low & LOW))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_whole() {
        let all = u128::MAX;
        for (one, other, expected) in [
            (0, all, (0, 0)),
            (7, 6, (0, 42)),
            (1 << 127, 2, (1, 0)),
            (1 << 127, 6, (3, 0)),
            (all, all, (all - 1, 1)),
            ((1 << 64) + 1, (1 << 64) + 1, (1, (1 << 65) + 1)),
        ] {
            assert_eq!(product(one, other), expected, "{one} {other}");
            assert_eq!(product(other, one), expected);
        }
    }
}
