//! The tiny model against what diffusers and transformers computed with it (`tests/data/README.md`).
//!
//! Tolerances are of the largest difference of single values. The text encoder, the picture's encoder and decoder
//! and the steps compute the same formulas in another order of sums. candle's large part takes the fast form of
//! one activation (GELU by tanh instead of the error function, at most 0.0005 apart), which guidance multiplies.

use std::collections::HashMap;

use super::*;
use crate::folder::Prediction;
use crate::words::Words;

const EXACT: f32 = 2e-5;
const UNET: f32 = 1e-3;
const PICTURE: f32 = 2e-3;

struct Recorded {
    tensors: HashMap<String, Tensor>,
    folder: Folder,
    painter: Painter,
}

impl Recorded {
    fn open() -> Self {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
        let tensors =
            candle_core::safetensors::load(data.join("recorded.safetensors"), &Device::Cpu).unwrap();
        let folder = Folder::open(&data.join("tiny")).unwrap();
        let painter = Painter::load(&folder, &Device::Cpu, false).unwrap();
        Self { tensors, folder, painter }
    }

    fn get(&self, name: &str) -> &Tensor {
        &self.tensors[name]
    }

    fn rows(&self) -> [Vec<Vec<u32>>; 2] {
        Words::open(&self.folder).unwrap().rows("a red cup on a table", "text, blur").unwrap()
    }
}

/// The largest difference of two values, and that the recorded ones are not all alike.
fn apart(made: &Tensor, recorded: &Tensor) -> f32 {
    assert_eq!(made.dims(), recorded.dims());
    let values = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let (made, recorded) = (values(made), values(recorded));
    let spread =
        recorded.iter().fold(f32::MIN, |a, b| a.max(*b)) - recorded.iter().fold(f32::MAX, |a, b| a.min(*b));
    assert!(spread > 0.5, "{spread}");
    assert!(made.iter().all(|value| value.is_finite()));
    made.iter().zip(&recorded).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn assert_near(what: &str, made: &Tensor, recorded: &Tensor, tolerance: f32) {
    let apart = apart(made, recorded);
    println!("{what}: {apart:e} of {tolerance:e}");
    assert!(apart <= tolerance, "{what}: {apart:e} apart, and {tolerance:e} are allowed");
}

#[test]
fn tokens_are_those_of_the_recording() {
    let recorded = Recorded::open();
    let rows = recorded.rows();
    for (row, name) in rows.iter().zip(["text.ids", "text.negative_ids"]) {
        let ids: Vec<i64> = row[0].iter().map(|id| i64::from(*id)).collect();
        assert_eq!(vec![ids], recorded.get(name).to_vec2::<i64>().unwrap(), "{name}");
    }
}

#[test]
fn words_mean_what_transformers_says() {
    let mut recorded = Recorded::open();
    let [rows, unwanted] = recorded.rows();
    assert_near("text", &recorded.painter.read(&rows).unwrap(), recorded.get("text.hidden"), EXACT);
    let unwanted = recorded.painter.read(&unwanted).unwrap();
    assert_near("negative", &unwanted, recorded.get("text.negative_hidden"), EXACT);
    recorded.folder.text.hidden_act = crate::folder::Activation::Gelu;
    let gelu = Painter::load(&recorded.folder, &Device::Cpu, false).unwrap();
    assert_near("gelu", &gelu.read(&rows).unwrap(), recorded.get("text.hidden_gelu"), EXACT);
    // The two activations are far enough apart to be told from one another.
    assert!(apart(recorded.get("text.hidden"), recorded.get("text.hidden_gelu")) > 50.0 * EXACT);
}

#[test]
fn rows_of_words_do_not_know_of_one_another() {
    let recorded = Recorded::open();
    let [rows, unwanted] = recorded.rows();
    let both = recorded.painter.read(&[rows[0].clone(), unwanted[0].clone()]).unwrap();
    assert_eq!(both.dims(), [1, 154, 32]);
    let first = both.narrow(1, 0, 77).unwrap();
    let second = both.narrow(1, 77, 77).unwrap();
    assert_near("first row", &first, recorded.get("text.hidden"), EXACT);
    assert_near("second row", &second, recorded.get("text.negative_hidden"), EXACT);
}

#[test]
fn one_step_of_the_large_part_is_that_of_diffusers() {
    let recorded = Recorded::open();
    for (name, time) in [("even", 501), ("odd", 1)] {
        let latents = recorded.get(&format!("unet.{name}.latents"));
        let output = recorded.painter.denoise(latents, time, recorded.get("text.hidden")).unwrap();
        assert_near(name, &output, recorded.get(&format!("unet.{name}.output")), UNET);
    }
}

#[test]
fn pictures_are_encoded_and_decoded_as_by_diffusers() {
    let recorded = Recorded::open();
    let decoded = recorded.painter.decode(recorded.get("vae.latents")).unwrap();
    assert_near("decoded", &decoded, recorded.get("vae.decoded"), 2.0 * EXACT);
    let mean = recorded.painter.encode(recorded.get("vae.picture")).unwrap();
    assert_near("encoded", &mean, recorded.get("vae.mean"), 2.0 * EXACT);
    let again = recorded.painter.encode(recorded.get("vae.picture")).unwrap();
    assert_eq!(apart(&again, &mean), 0.0);
}

#[test]
fn steps_have_the_coefficients_of_diffusers() {
    let recorded = Recorded::open();
    let (sample, output) = (recorded.get("scheduler.sample"), recorded.get("scheduler.output"));
    for (prediction, name) in [(Prediction::Epsilon, "epsilon"), (Prediction::VPrediction, "v_prediction")] {
        for count in [4_usize, 30] {
            let mut settings = recorded.folder.scheduler.clone();
            settings.prediction_type = prediction;
            let mut schedule = Schedule::new(&settings, count, 1.0).unwrap();
            let times: Vec<i64> = schedule.times().iter().map(|time| *time as i64).collect();
            let expected = recorded.get(&format!("scheduler.{count}.timesteps"));
            assert_eq!(times, expected.to_vec1::<i64>().unwrap());
            for place in [0, count - 1] {
                let time = schedule.times()[place];
                let stepped = schedule.step(output, time, sample).unwrap();
                let name = format!("scheduler.{name}.{count}.{place}");
                assert_near(&name, &stepped, recorded.get(&name), EXACT);
            }
        }
    }
    // Half of four steps begins at the third.
    let half = Schedule::new(&recorded.folder.scheduler, 4, 0.5).unwrap();
    assert_eq!(half.times(), [251, 1]);
    let begun = half.begin(sample, output).unwrap();
    let alphas = recorded.get("scheduler.alphas").to_vec1::<f32>().unwrap();
    let expected = ((sample * f64::from(alphas[251]).sqrt()).unwrap()
        + (output * f64::from(1.0 - alphas[251]).sqrt()).unwrap())
    .unwrap();
    assert_near("begun", &begun, &expected, EXACT);
    let almost_none = Schedule::new(&recorded.folder.scheduler, 4, 0.01).unwrap();
    assert_eq!(almost_none.times(), [1]);
}

#[test]
fn a_whole_picture_of_four_steps_is_that_of_diffusers() {
    let recorded = Recorded::open();
    let [rows, unwanted] = recorded.rows();
    let mut heard = Vec::new();
    let wanted = Wanted {
        rows: &rows,
        unwanted: &unwanted,
        guidance: 7.5,
        steps: 4,
        noise: recorded.get("whole.noise"),
        start: None,
    };
    let picture = recorded
        .painter
        .paint(&wanted, &mut |done, of| {
            heard.push((done, of));
            true
        })
        .unwrap();
    assert_eq!(heard, [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]);
    assert_near("whole", &picture.unsqueeze(0).unwrap(), recorded.get("whole.picture"), PICTURE);
    // Words and noise decide it.
    let other = Wanted { rows: &unwanted, unwanted: &rows, ..wanted };
    let other = recorded.painter.paint(&other, &mut |_, _| true).unwrap();
    assert!(apart(&other.unsqueeze(0).unwrap(), recorded.get("whole.picture")) > 50.0 * PICTURE);
}

#[test]
fn a_picture_from_a_picture_is_that_of_diffusers() {
    let recorded = Recorded::open();
    let [rows, unwanted] = recorded.rows();
    let wanted = Wanted {
        rows: &rows,
        unwanted: &unwanted,
        guidance: 7.5,
        steps: 4,
        noise: recorded.get("changed.noise"),
        start: Some((recorded.get("vae.picture"), 0.5)),
    };
    let picture = recorded.painter.paint(&wanted, &mut |_, _| true).unwrap();
    assert_near("changed", &picture.unsqueeze(0).unwrap(), recorded.get("changed.picture"), PICTURE);
}

#[test]
fn without_guidance_what_is_unwanted_does_not_count_and_stopping_stops() {
    let recorded = Recorded::open();
    let [rows, unwanted] = recorded.rows();
    let noise = recorded.get("whole.noise");
    let paint = |unwanted: &[Vec<u32>], guidance: f64| {
        let wanted = Wanted { rows: &rows, unwanted, guidance, steps: 2, noise, start: None };
        recorded.painter.paint(&wanted, &mut |_, _| true).unwrap().flatten_all().unwrap().to_vec1::<f32>()
    };
    assert_eq!(paint(&unwanted, 1.0).unwrap(), paint(&rows, 1.0).unwrap());
    assert_ne!(paint(&unwanted, 2.0).unwrap(), paint(&rows, 2.0).unwrap());
    let wanted = Wanted { rows: &rows, unwanted: &unwanted, guidance: 2.0, steps: 4, noise, start: None };
    let mut steps = 0;
    let stopped = recorded.painter.paint(&wanted, &mut |done, _| {
        steps += 1;
        done < 2
    });
    assert!(matches!(stopped, Err(PaintError::Stopped)));
    assert_eq!(steps, 3);
}

#[test]
fn weights_that_do_not_fit_the_settings_are_an_error() {
    let mut recorded = Recorded::open();
    recorded.folder.text.num_hidden_layers = 3;
    let error = Painter::load(&recorded.folder, &Device::Cpu, false).err().unwrap().to_string();
    assert!(error.contains("layers.2"), "{error}");
}
