//! Pictures as the encoder takes them.

/// One picture in planar YUV 4:2:0, BT.709, limited range (luma 16–235, chroma 16–240).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Yuv420 {
    /// Width in pixels; even.
    pub width: usize,
    /// Height in pixels; even.
    pub height: usize,
    /// Luma, row-major, `width * height` bytes.
    pub y: Vec<u8>,
    /// Blue difference, row-major, `width / 2 * height / 2` bytes.
    pub u: Vec<u8>,
    /// Red difference, row-major, `width / 2 * height / 2` bytes.
    pub v: Vec<u8>,
}

impl Yuv420 {
    /// A picture of one color, `[luma, blue difference, red difference]`.
    ///
    /// Odd sides are rounded down to even ones.
    #[must_use]
    pub fn filled(width: usize, height: usize, color: [u8; 3]) -> Self {
        let (width, height) = (width & !1, height & !1);
        Self {
            width,
            height,
            y: vec![color[0]; width * height],
            u: vec![color[1]; width * height / 4],
            v: vec![color[2]; width * height / 4],
        }
    }

    /// The three planes with their widths.
    pub(crate) fn planes(&self) -> [(&[u8], usize); 3] {
        [(&self.y, self.width), (&self.u, self.width / 2), (&self.v, self.width / 2)]
    }
}
