//! Terms of models as read on their pages. They are not legal advice; a row of the configuration may say
//! otherwise, and says so for every model that is not listed here.

use spotwright_core::ports::clip_source::Licence;

/// When the terms below were read.
const READ: &str = "2026-11-28";

/// Beginning of a model's name in lowercase letters and digits, its licence, the territories that it
/// excludes, and the yearly revenue in US dollars from which it costs money.
///
/// Wan 2.1 and 2.2, FastWan, Helios and MagiHuman carry Apache-2.0 tags on their model cards. LTX-2 has terms of
/// its own, which also ask that the origin of clips stays visible. Kling's are those of a paid service.
const TERMS: [(&str, &str, &[&str], Option<u64>); 9] = [
    ("wan21", "Apache-2.0", &[], None),
    ("wan22", "Apache-2.0", &[], None),
    ("fastwan", "Apache-2.0", &[], None),
    ("helios", "Apache-2.0", &[], None),
    ("davincimagihuman", "Apache-2.0", &[], None),
    ("ltx2", "LTX-2 Community License", &[], Some(10_000_000)),
    ("hunyuanvideo", "Tencent Hunyuan Community License", &["EU", "UK", "KR"], None),
    ("minimaxh3", "MiniMax H3 Community License", &["EU", "UK", "KR", "US"], None),
    ("kling", "Kling AI API terms of service", &[], None),
];

/// The terms of a model by its name, with or without its publisher before a `/`; `None` where they are not
/// known.
#[must_use]
pub fn known(model: &str) -> Option<Licence> {
    let name = model.rsplit('/').next().unwrap_or_default().to_lowercase();
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let (_, licence, excluded, revenue_limit_usd) =
        TERMS.iter().find(|(start, ..)| name.starts_with(start))?;
    Some(Licence {
        name: (*licence).to_owned(),
        excluded: excluded.iter().map(|&territory| territory.to_owned()).collect(),
        revenue_limit_usd: *revenue_limit_usd,
        read: READ.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_known_in_the_spellings_of_their_servers() {
        let excluded = |model: &str| known(model).map(|licence| licence.excluded);
        assert_eq!(excluded("Wan-AI/Wan2.2-TI2V-5B-Diffusers"), Some(Vec::new()));
        assert_eq!(excluded("wan2.1_t2v_1.3B_fp16.safetensors"), Some(Vec::new()));
        assert_eq!(excluded("tencent/HunyuanVideo-1.5").unwrap(), ["EU", "UK", "KR"]);
        assert_eq!(excluded("MiniMax-H3").unwrap(), ["EU", "UK", "KR", "US"]);
        assert_eq!(known("LTX-2.3").unwrap().revenue_limit_usd, Some(10_000_000));
        assert_eq!(known("meituan/LongCat-Video"), None);
    }
}
