//! Good and bad examples with which the thresholds were set: packages drawn here and photographs of the
//! example briefs, in scenes, changed in every way that a model of clips is known to change products.

use std::sync::OnceLock;

use spotwright_schemas::storyboard::Color;

use super::*;
use crate::pixels::{self, Raster};
use crate::text::{Letters, Style};

/// Sizes, places, light and turn of the product in the scene.
const SCENES: [(f64, [f64; 2], f64, f64); 6] = [
    (0.45, [0.5, 0.5], 1.0, 0.0),
    (0.62, [0.45, 0.55], 1.15, 0.0),
    (0.80, [0.5, 0.48], 0.85, 0.0),
    (0.38, [0.35, 0.62], 0.87, 0.03),
    (0.55, [0.58, 0.40], 1.12, -0.03),
    (0.95, [0.5, 0.5], 1.0, 0.02),
];
const FRAME: (usize, usize) = (360, 640);

fn letters() -> &'static Letters {
    static LETTERS: OnceLock<Letters> = OnceLock::new();
    LETTERS.get_or_init(|| Letters::load(&[]).expect("fonts are installed"))
}

/// A package on white ground: body, panel, name, small print and a mark.
fn package(
    name: &str,
    small: &str,
    body: [u8; 3],
    panel: [u8; 3],
    size: (usize, usize),
    round: f64,
) -> Still {
    let color = |c: [u8; 3]| Color { r: c[0], g: c[1], b: c[2] };
    let (w, h) = size;
    let mut canvas = Raster::filled(w + 120, h + 120, [250, 250, 250, 255]);
    pixels::blend(&mut canvas, &pixels::pill(w, h, round, color(body), 1.0), 60, 60.0, 1.0);
    let (pw, ph) = (w * 8 / 10, h / 2);
    let left = 60 + (w - pw) as i64 / 2;
    pixels::blend(
        &mut canvas,
        &pixels::pill(pw, ph, 14.0, color(panel), 1.0),
        left,
        (60 + h / 4) as f64,
        1.0,
    );
    let mark = w / 5;
    // The mark stands to one side, as logos do, so that a mirrored product is another one.
    pixels::blend(
        &mut canvas,
        &pixels::pill(mark, mark, mark as f64 / 2.0, color(panel), 1.0),
        60 + w as i64 / 9,
        80.0,
        1.0,
    );
    let ink = crate::scene::ink_on(color(panel));
    for (text, px, y) in [(name, 0.17, 0.30), (small, 0.075, 0.58)] {
        let style = Style {
            bold: true,
            serif: false,
            color: ink,
            emphasis: None,
            sizes: [w as f64 * px, 8.0],
            max_lines: 3,
            width: pw as f64 * 0.9,
            height: h as f64 * 0.25,
            align: 0.0,
            shadow: 0.0,
        };
        let block = letters().fonts.set(text, &[], &style, "test").expect("is set").expect("has ink");
        for line in block.lines {
            let (x, y) = (left + 8 + line.x, 60 + (h as f64 * y) as i64 + line.y);
            pixels::blend(&mut canvas, &line.layer, x, y as f64, 1.0);
        }
    }
    still(&canvas)
}

fn still(canvas: &Raster) -> Still {
    let rgb = canvas.data.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect();
    Still::new(canvas.width, canvas.height, rgb).expect("a picture")
}

fn photograph(name: &str) -> Still {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    let picture = image::open(path).expect("the example is there").into_rgb8();
    let small = image::imageops::thumbnail(&picture, 480, 480 * picture.height() / picture.width());
    let (w, h) = small.dimensions();
    Still::new(w as usize, h as usize, small.into_raw()).expect("a picture")
}

fn products() -> Vec<(&'static str, Still)> {
    vec![
        ("can", package("Harbor", "Cold brew 330 ml", [40, 70, 120], [240, 236, 220], (220, 420), 40.0)),
        ("box", package("晨光挂耳", "云南小粒 10包", [130, 60, 30], [250, 230, 190], (320, 380), 8.0)),
        (
            "bottle",
            package("VELA", "Hand soap, citrus 500 ml", [30, 130, 90], [250, 250, 250], (170, 440), 70.0),
        ),
        ("pouch", package("小鲜罐", "鸡肉丝 猫主食", [220, 150, 40], [60, 40, 90], (300, 360), 60.0)),
        (
            "tube",
            package("Northlight", "Face cream SPF 30", [200, 40, 60], [250, 240, 240], (150, 430), 30.0),
        ),
        ("cup", photograph("coffee-en/cup-close.png")),
        ("cat", photograph("cat-zh/cat-close.png")),
    ]
}

/// The product in a scene: cut out of its plain ground, or the middle of a photograph.
fn scene(product: &Still, [size, x, y, light, turn]: [f64; 5], stretch: f64) -> Still {
    let template = Template::of(product).expect("a product");
    let [left, top, w, h] = template.area;
    let (width, height) = FRAME;
    // As large as asked for, but not cut off at the sides.
    let scale = (size * height as f64 / w.max(h)).min(width as f64 * 0.94 / w);
    let (sw, sh) = (scale * stretch.sqrt(), scale / stretch.sqrt());
    let mut rgb = Vec::with_capacity(width * height * 3);
    for py in 0..height {
        for px in 0..width {
            let wave = ((px as f64 * 0.05).sin() * (py as f64 * 0.031).cos() * 30.0)
                + ((px * 7 + py * 13) % 11) as f64;
            let ground = [120.0 + wave, 105.0 + wave, 95.0 - wave / 2.0];
            let (dx, dy) = (px as f64 + 0.5 - x * width as f64, py as f64 + 0.5 - y * height as f64);
            let (rx, ry) = (dx * turn.cos() + dy * turn.sin(), dy * turn.cos() - dx * turn.sin());
            let (u, v) = (rx / sw / w + 0.5, ry / sh / h + 0.5);
            let inside = (0.0..1.0).contains(&u) && (0.0..1.0).contains(&v);
            let mask = &template.mask;
            let covered = inside
                && mask.at(
                    ((u * mask.width as f64) as usize).min(mask.width - 1),
                    ((v * mask.height as f64) as usize).min(mask.height - 1),
                ) > 0.5;
            let color = if covered {
                let (cx, cy) = (left + u * w, top + v * h);
                let (hx, hy) = ((0.5 / sw).max(0.5), (0.5 / sh).max(0.5));
                let mean = product.mean_linear([cx - hx, cy - hy, cx + hx, cy + hy]);
                mean.map(|channel| {
                    let lit = (channel * light).clamp(0.0, 1.0);
                    255.0 * if lit <= 0.003_130_8 { lit * 12.92 } else { 1.055 * lit.powf(1.0 / 2.4) - 0.055 }
                })
            } else {
                ground
            };
            rgb.extend(color.map(|channel| channel.round().clamp(0.0, 255.0) as u8));
        }
    }
    Still::new(width, height, rgb).expect("a picture")
}

fn changed(product: &Still, change: impl Fn(usize, usize) -> [u8; 3]) -> Still {
    let (w, h) = (product.width(), product.height());
    let rgb = (0..h).flat_map(|y| (0..w).map(move |x| (x, y))).flat_map(|(x, y)| change(x, y)).collect();
    Still::new(w, h, rgb).expect("a picture")
}

/// Red becomes green, green blue, blue red, by a third of the way.
fn other_hue(product: &Still) -> Still {
    changed(product, |x, y| {
        let [r, g, b] = product.pixel(x, y).map(f64::from);
        let mix = |own: f64, other: f64| (own * 0.35 + other * 0.65).round() as u8;
        [mix(r, g), mix(g, b), mix(b, r)]
    })
}

fn mirrored(product: &Still) -> Still {
    changed(product, |x, y| product.pixel(product.width() - 1 - x, y))
}

/// The middle blurred, where the label is.
fn blurred_label(product: &Still) -> Still {
    let (w, h) = (product.width() as f64, product.height() as f64);
    let radius = (w.max(h) / 40.0).ceil();
    changed(product, |x, y| {
        let (fx, fy) = (x as f64, y as f64);
        let inside = fx > w * 0.15 && fx < w * 0.85 && fy > h * 0.2 && fy < h * 0.85;
        if !inside {
            return product.pixel(x, y);
        }
        let (mut sum, mut n) = ([0.0; 3], 0.0);
        for dy in -4..=4 {
            for dx in -4..=4 {
                let (u, v) = (fx + f64::from(dx) * radius / 4.0, fy + f64::from(dy) * radius / 4.0);
                let pixel = product.pixel(u.clamp(0.0, w - 1.0) as usize, v.clamp(0.0, h - 1.0) as usize);
                for (sum, channel) in sum.iter_mut().zip(pixel) {
                    *sum += f64::from(channel);
                }
                n += 1.0;
            }
        }
        sum.map(|sum| (sum / n).round() as u8)
    })
}

/// Letters that are none: squares of the middle exchanged and turned over.
fn scrambled_label(product: &Still) -> Still {
    let (w, h) = (product.width(), product.height());
    let side = w.max(h) / 28;
    changed(product, |x, y| {
        let inside = x > w * 15 / 100 && x < w * 85 / 100 - side && y > h / 5 && y < h * 85 / 100 - side;
        if !inside {
            return product.pixel(x, y);
        }
        let (bx, by) = (x / side, y / side);
        let (ix, iy) = (side - 1 - x % side, side - 1 - y % side);
        let (sx, sy) = ((bx ^ 1) * side + ix, by * side + iy);
        product.pixel(sx.min(w - 1), sy.min(h - 1))
    })
}

fn judge(product: &Still, shown: &Still, at: usize, stretch: f64) -> FidelityReport {
    let (size, [x, y], light, turn) = SCENES[at];
    let frame = scene(shown, [size, x, y, light, turn], stretch);
    compare(&[(0, frame)], std::slice::from_ref(product))
}

fn told(report: &FidelityReport) -> String {
    let FidelityReport { color, shape, label, reason, .. } = report;
    format!("{color:.1} {shape:.2} {label:.2} {reason}")
}

#[test]
fn the_true_product_passes_moved_zoomed_turned_and_lit() {
    let mut failed = Vec::new();
    let mut total = 0;
    for (name, product) in &products() {
        for at in 0..SCENES.len() {
            total += 1;
            let report = judge(product, product, at, 1.0);
            println!("good {name} {at}: {}", told(&report));
            if !report.pass {
                failed.push(format!("{name} {at}: {}", report.reason));
            }
        }
    }
    assert!(failed.len() * 20 <= total, "{} of {total} fail: {failed:#?}", failed.len());
}

#[test]
fn what_a_model_made_of_the_product_fails() {
    let products = products();
    let mut passed = Vec::new();
    let mut total = 0;
    for (idx, (name, product)) in products.iter().enumerate() {
        let other = &products[(idx + 1) % products.len()].1;
        let bad: [(&str, Still, f64); 7] = [
            ("other hue", other_hue(product), 1.0),
            ("mirrored", mirrored(product), 1.0),
            ("stretched", product.clone(), 1.2),
            ("squeezed", product.clone(), 1.0 / 1.2),
            ("another product", other.clone(), 1.0),
            ("blurred label", blurred_label(product), 1.0),
            ("scrambled label", scrambled_label(product), 1.0),
        ];
        for (kind, shown, stretch) in &bad {
            for at in 0..SCENES.len() {
                total += 1;
                let report = judge(product, shown, at, *stretch);
                println!("{kind} {name} {at}: {}", told(&report));
                if report.pass {
                    passed.push(format!("{kind} {name} {at}: {}", report.reason));
                }
            }
        }
    }
    assert!(passed.len() * 50 <= total, "{} of {total} pass: {passed:#?}", passed.len());
}

#[test]
fn what_cannot_be_measured_does_not_pass() {
    let product = &products()[0].1;
    let flat = Still::new(64, 64, vec![128; 64 * 64 * 3]).expect("a picture");
    assert!(!compare(&[], std::slice::from_ref(product)).pass);
    assert!(!compare(&[(0, product.clone())], &[]).pass);
    let report = compare(&[(3, flat.clone())], std::slice::from_ref(product));
    assert!(!report.pass && report.reason.contains("not found"), "{report:?}");
    let report = compare(&[(3, product.clone())], &[flat]);
    assert!(!report.pass && report.reason.contains("no product"), "{report:?}");
}
