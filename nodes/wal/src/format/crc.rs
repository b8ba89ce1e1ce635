//! The checksum of two pieces from the checksums of each.
//!
//! Owns: the arithmetic. Does not own: which pieces are joined, or the checksum of bytes (`crc32c`).
//!
//! A CRC is linear: what zeros behind a piece make of its checksum is a matrix over GF(2), and the other piece is added to
//! that by exclusive or. The matrix for 2^n zeros is the square of the one for half as many. They are computed when this is
//! compiled, and lie here as tables by four bits of the checksum, so that joining takes eight look-ups for each bit
//! that is set in the length of the second piece. (`crc32c_combine` computes the matrices each time, which takes longer
//! than the checksum of 15 kB.)

/// CRC-32C's polynomial, the lowest power in the highest bit.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// Bits of a length that are provided for.
const LENGTH_BITS: usize = 32;

/// What becomes of each bit of a checksum.
type Matrix = [u32; 32];

/// The same, for each value of each four bits.
type Table = [[u32; 16]; 8];

/// One for each power of two, as a number of zeros.
static ZEROS: [Table; LENGTH_BITS] = zeros();

/// The checksum of two pieces, the second of which has `second_bytes`.
///
/// # Panics
/// If those are 4 GiB or more.
pub(crate) fn joined(first: u32, second: u32, second_bytes: usize) -> u32 {
    let mut left = u32::try_from(second_bytes).expect("a frame is smaller than a segment");
    let mut crc = first;
    while left != 0 {
        crc = times(&ZEROS[left.trailing_zeros() as usize], crc);
        // The lowest bit that is set.
        left &= left - 1;
    }
    crc ^ second
}

fn times(table: &Table, crc: u32) -> u32 {
    let mut product = 0;
    for (number, values) in table.iter().enumerate() {
        product ^= values[(crc >> (4 * number)) as usize & 15];
    }
    product
}

const fn zeros() -> [Table; LENGTH_BITS] {
    let mut tables = [[[0; 16]; 8]; LENGTH_BITS];
    let mut matrix = one_zero_bit();
    let mut number = 0;
    // A byte is eight bits.
    while number < 3 + LENGTH_BITS {
        if number >= 3 {
            tables[number - 3] = table_of(&matrix);
        }
        matrix = squared(&matrix);
        number += 1;
    }
    tables
}

const fn one_zero_bit() -> Matrix {
    let mut matrix = [0; 32];
    matrix[0] = POLYNOMIAL;
    let mut bit = 1;
    while bit < 32 {
        matrix[bit] = 1 << (bit - 1);
        bit += 1;
    }
    matrix
}

const fn squared(matrix: &Matrix) -> Matrix {
    let mut square = [0; 32];
    let mut bit = 0;
    while bit < 32 {
        square[bit] = image(matrix, matrix[bit]);
        bit += 1;
    }
    square
}

const fn table_of(matrix: &Matrix) -> Table {
    let mut table = [[0; 16]; 8];
    let mut place = 0;
    while place < 128 {
        let (number, value) = (place / 16, place % 16);
        table[number][value] = image(matrix, (value as u32) << (4 * number));
        place += 1;
    }
    table
}

const fn image(matrix: &Matrix, bits: u32) -> u32 {
    let (mut sum, mut bit) = (0, 0);
    while bit < 32 {
        if bits >> bit & 1 == 1 {
            sum ^= matrix[bit];
        }
        bit += 1;
    }
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_length_joins_as_the_library_does() {
        for bit in 0..LENGTH_BITS {
            for length in [1_usize << bit, (2 << bit) - 1, (1 << bit) + 5] {
                let wanted = crc32c::crc32c_combine(0x1234_5678, 0x9abc_def0, length);
                assert_eq!(joined(0x1234_5678, 0x9abc_def0, length), wanted, "{length}");
            }
        }
    }

    proptest! {
        #[test]
        fn the_checksum_of_pieces_is_that_of_the_whole(
            bytes in prop::collection::vec(any::<u8>(), 0..5000),
            cut in any::<prop::sample::Index>(),
        ) {
            let (first, second) = bytes.split_at(cut.index(bytes.len() + 1));
            let crc = joined(crc32c::crc32c(first), crc32c::crc32c(second), second.len());
            prop_assert_eq!(crc, crc32c::crc32c(&bytes));
        }
    }
}
