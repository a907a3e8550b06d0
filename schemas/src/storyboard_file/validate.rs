//! What a storyboard file must keep, checked before anything is opened or made.

use std::collections::BTreeSet;

use super::{Asset, AssetKind, MAX_VARIANTS, Pick, PlannedShot, Slot, Source, StoryboardFile};
use crate::error::{Code, Problem};
use crate::storyboard::{FrameSize, OverlayContent, reference_names};

pub(super) fn wrong(field: impl Into<String>, message: impl Into<String>) -> Problem {
    Problem::new(Code::Storyboard, field, message)
}

impl StoryboardFile {
    /// Checks everything that can be checked without opening an asset.
    ///
    /// # Errors
    /// [`Code::Storyboard`] with the path of the first fault.
    pub fn validate(&self) -> Result<(), Problem> {
        name("id", &self.id, 40)?;
        if !(10..=60).contains(&self.fps) {
            return Err(wrong("fps", "must be within 10 and 60"));
        }
        distinct("aspects", &self.aspects, 1, 4)?;
        let place = self.placement.spec();
        for (at, aspect) in self.aspects.iter().enumerate() {
            let FrameSize { width, height } = aspect.size();
            if place.smallest_of_shape(width, height).is_none() {
                let message =
                    format!("{} shows {}, not {}", place.name, place.shapes_in_words(), aspect.as_str());
                return Err(wrong(format!("aspects[{at}]"), message));
            }
        }
        distinct("stills", &self.stills, 0, 3)?;
        text("brand_kit.name", &self.brand_kit.name, 1, 40)?;
        text("brand_kit.product", &self.brand_kit.product, 0, 60)?;
        text("compliance.disclaimer", &self.compliance.disclaimer, 0, 200)?;
        if !(60..=160).contains(&self.audio.tempo) {
            return Err(wrong("audio.tempo", "must be within 60 and 160"));
        }
        if !(-40.0..=-5.0).contains(&self.audio.loudness_lufs) {
            return Err(wrong("audio.loudness_lufs", "must be within -40 and -5"));
        }
        self.check_assets()?;
        self.check_slots()?;
        self.check_picks()?;
        // Compiling checks what only whole variants have: their number and their length.
        self.variants()?;
        Ok(())
    }

    fn check_assets(&self) -> Result<(), Problem> {
        if self.assets.len() > 64 {
            return Err(wrong("assets", "must hold at most 64 assets"));
        }
        for (key, asset) in &self.assets {
            name(&format!("assets.{key}"), key, 40)?;
            asset.check(&format!("assets.{key}"))?;
        }
        Ok(())
    }

    fn check_slots(&self) -> Result<(), Problem> {
        count("slots", self.slots.len(), 1, 12)?;
        let mut slots = BTreeSet::new();
        for (idx, slot) in self.slots.iter().enumerate() {
            let field = format!("slots[{idx}]");
            name(&format!("{field}.slot"), &slot.slot, 20)?;
            if !slots.insert(slot.slot.as_str()) {
                return Err(wrong(format!("{field}.slot"), format!("`{}` stands twice", slot.slot)));
            }
            self.check_slot(&field, slot)?;
        }
        Ok(())
    }

    fn check_slot(&self, field: &str, slot: &Slot) -> Result<(), Problem> {
        count(&format!("{field}.options"), slot.options.len(), 1, 16)?;
        let mut options = BTreeSet::new();
        for (idx, option) in slot.options.iter().enumerate() {
            let field = format!("{field}.options[{idx}]");
            name(&format!("{field}.id"), &option.id, 20)?;
            if !options.insert(option.id.as_str()) {
                return Err(wrong(format!("{field}.id"), format!("`{}` stands twice", option.id)));
            }
            count(&format!("{field}.shots"), option.shots.len(), 1, 8)?;
            for (idx, shot) in option.shots.iter().enumerate() {
                self.check_shot(&format!("{field}.shots[{idx}]"), shot)?;
            }
        }
        Ok(())
    }

    fn check_shot(&self, field: &str, shot: &PlannedShot) -> Result<(), Problem> {
        if shot.frames == 0 {
            return Err(wrong(format!("{field}.frames"), "must be at least 1"));
        }
        text(&format!("{field}.caption"), &shot.caption, 0, 200)?;
        text(&format!("{field}.detail"), &shot.detail, 0, 200)?;
        text(&format!("{field}.button"), &shot.button, 0, 40)?;
        text(&format!("{field}.voice_over"), &shot.voice_over, 0, 300)?;
        self.check_source(&format!("{field}.source"), &shot.source)?;
        for (idx, overlay) in shot.overlays.iter().enumerate() {
            if let OverlayContent::Image { picture, .. } = &overlay.shows {
                self.known(&format!("{field}.overlays[{idx}].shows.picture"), picture, AssetKind::Picture)?;
            }
        }
        Ok(())
    }

    fn check_source(&self, field: &str, source: &Source) -> Result<(), Problem> {
        match source {
            Source::Still { asset } => self.known(&format!("{field}.asset"), asset, AssetKind::Picture),
            Source::Clip { asset, poster, .. } => {
                self.known(&format!("{field}.asset"), asset, AssetKind::Clip)?;
                self.known(&format!("{field}.poster"), poster, AssetKind::Picture)
            }
            Source::Template { .. } => Ok(()),
            Source::Generated(wanted) => {
                text(&format!("{field}.prompt"), &wanted.prompt, 1, 2500)?;
                text(&format!("{field}.negative_prompt"), &wanted.negative_prompt, 0, 2500)?;
                let names = reference_names(&wanted.prompt);
                if names.len() > 7 {
                    return Err(wrong(format!("{field}.prompt"), "names more than 7 assets"));
                }
                for name in names {
                    if !self.assets.contains_key(name) {
                        return Err(wrong(
                            format!("{field}.prompt"),
                            format!("names `@{name}`, and there is no such asset"),
                        ));
                    }
                }
                let pictures = [
                    ("first_frame", wanted.first_frame.as_ref()),
                    ("last_frame", wanted.last_frame.as_ref()),
                    ("fall_back", Some(&wanted.fall_back)),
                ];
                for (part, asset) in pictures {
                    if let Some(asset) = asset {
                        self.known(&format!("{field}.{part}"), asset, AssetKind::Picture)?;
                    }
                }
                if wanted.shows_product
                    && wanted.first_frame.is_none()
                    && reference_names(&wanted.prompt).is_empty()
                {
                    return Err(wrong(
                        format!("{field}.shows_product"),
                        "needs a first frame or a reference to compare the product with",
                    ));
                }
                Ok(())
            }
        }
    }

    fn known(&self, field: &str, asset: &str, kind: AssetKind) -> Result<(), Problem> {
        match self.assets.get(asset) {
            Some(found) if found.kind == kind => Ok(()),
            Some(_) => Err(wrong(field, format!("`{asset}` is of another kind"))),
            None => Err(wrong(field, format!("there is no asset `{asset}`"))),
        }
    }

    fn check_picks(&self) -> Result<(), Problem> {
        if self.variants.len() > MAX_VARIANTS {
            return Err(wrong("variants", format!("must hold at most {MAX_VARIANTS} variants")));
        }
        let mut ids = BTreeSet::new();
        for (idx, pick) in self.variants.iter().enumerate() {
            let field = format!("variants[{idx}]");
            name(&format!("{field}.id"), &pick.id, 40)?;
            if !ids.insert(pick.id.as_str()) {
                return Err(wrong(format!("{field}.id"), format!("`{}` stands twice", pick.id)));
            }
            self.check_pick(&field, pick)?;
        }
        Ok(())
    }

    fn check_pick(&self, field: &str, pick: &Pick) -> Result<(), Problem> {
        for (slot, option) in &pick.options {
            let field = format!("{field}.options.{slot}");
            let Some(found) = self.slots.iter().find(|one| one.slot == *slot) else {
                return Err(wrong(field, format!("there is no slot `{slot}`")));
            };
            if !found.options.iter().any(|one| one.id == *option) {
                return Err(wrong(field, format!("slot `{slot}` has no option `{option}`")));
            }
        }
        for slot in &self.slots {
            if slot.options.len() > 1 && !pick.options.contains_key(&slot.slot) {
                return Err(wrong(
                    format!("{field}.options"),
                    format!("picks nothing for slot `{}`", slot.slot),
                ));
            }
        }
        Ok(())
    }
}

impl Asset {
    fn check(&self, field: &str) -> Result<(), Problem> {
        let path = format!("{field}.file");
        text(&path, &self.file, 1, 120)?;
        if self.file.starts_with('.') || self.file.contains(['/', '\\', ':']) {
            return Err(wrong(path, "must be the name of a file beside the storyboard, without a path"));
        }
        text(&format!("{field}.alt"), &self.alt, 0, 200)
    }
}

fn count(field: &str, count: usize, min: usize, max: usize) -> Result<(), Problem> {
    if (min..=max).contains(&count) {
        return Ok(());
    }
    Err(wrong(field, format!("holds {count} entries; {min} to {max} are accepted")))
}

fn distinct<T: Ord>(field: &str, values: &[T], min: usize, max: usize) -> Result<(), Problem> {
    count(field, values.len(), min, max)?;
    let different: BTreeSet<&T> = values.iter().collect();
    if different.len() < values.len() {
        return Err(wrong(field, "names one twice"));
    }
    Ok(())
}

fn name(field: &str, name: &str, max: usize) -> Result<(), Problem> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    if (1..=max).contains(&name.len()) && name.bytes().all(plain) {
        return Ok(());
    }
    Err(wrong(field, format!("must be 1 to {max} of the characters `a-z 0-9 _ -`")))
}

fn text(field: &str, text: &str, min: usize, max: usize) -> Result<(), Problem> {
    let count = text.chars().count();
    if !(min..=max).contains(&count) {
        return Err(wrong(field, format!("has {count} characters; {min} to {max} are accepted")));
    }
    if text.chars().any(char::is_control) {
        return Err(wrong(field, "must be one line without control characters"));
    }
    Ok(())
}
