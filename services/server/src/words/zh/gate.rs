//! Checks of the quality gate in Simplified Chinese.

/// What a check of the gate means to somebody who has never heard of it.
fn meaning(check: &str) -> &'static str {
    match check {
        "frozen" => "画面变化太少，看上去像卡住了",
        "black" => "画面几乎全黑",
        "text_contrast" | "ai_label_visible" => "文字与背景的对比不足，看不清楚",
        "safe_zone" => "文字会被版位上的按钮遮住",
        "reading_time" => "文字太多，展示时间内读不完",
        "sound" | "drift" | "loudness" | "true_peak" | "silence" => "声音不符合版位要求",
        "ai_metadata" | "ai_label_time" | "ai_label_height" => "缺少 AI 生成标识",
        "clip_frozen" => "生成的镜头几乎不动，看上去像卡住了",
        "clip_black" => "生成的镜头几乎全黑",
        "missing_glyphs" | "clipped_ink" => "有文字没有完整显示",
        "sound_sync" => "声音与画面没有对上",
        "ssim" | "color_match" => "编码后的画面与设计的画面不一致",
        "fidelity" => "镜头里的产品与产品图不一致",
        "provenance" => "缺少有效的来源声明签名",
        "readable" => "文件无法读取",
        _ => "文件不符合版位要求",
    }
}

/// A failed check, with what was measured and what is needed as far as these are figures.
pub(super) fn failed_check(check: &str, measured: &str, needed: &str) -> String {
    let needed = match check {
        "reading_time" => "每秒至多 9 个汉字或 21 个拉丁字符".to_owned(),
        _ => measure(needed),
    };
    let measured = measure(measured);
    let space = if needed.starts_with(|c: char| c.is_ascii()) { " " } else { "" };
    let figures = match (measured.is_empty(), needed.is_empty()) {
        (true, true) => String::new(),
        (false, true) => format!("（实测 {measured}）"),
        (true, false) => format!("（要求{space}{needed}）"),
        (false, false) => format!("（实测 {measured}，要求{space}{needed}）"),
    };
    format!("{}{figures}", meaning(check))
}

/// A check of the gate in a list; the name that it is stored under where it is not known here.
pub(super) fn check_name(id: &str) -> &str {
    match id {
        "readable" => "可读取",
        "decodes" => "可解码",
        "video" => "视频轨",
        "frame_count" => "帧数",
        "duration" => "时长",
        "planned_format" => "画幅与帧率",
        "codec" => "编码",
        "color" => "色彩标记",
        "steady_frames" => "帧间隔",
        "profile" => "编码档次",
        "placement_size" => "版位尺寸",
        "placement_shape" => "版位画幅",
        "placement_bitrate" => "码率",
        "placement_seconds" => "版位时长",
        "placement_bytes" => "文件大小",
        "black" => "黑屏",
        "frozen" => "静止画面",
        "clip_black" => "镜头黑屏",
        "clip_frozen" => "镜头静止",
        "sound" => "音轨",
        "sound_sync" => "声音对位",
        "drift" => "音画同步",
        "loudness" => "响度",
        "true_peak" => "峰值",
        "silence" => "静音",
        "ai_metadata" => "AI 隐式标识",
        "ai_label_time" => "AI 标识时长",
        "ai_label_height" => "AI 标识大小",
        "ai_label_visible" => "AI 标识清晰度",
        "safe_zone" => "安全区",
        "reading_time" => "阅读时间",
        "text_contrast" => "文字对比度",
        "missing_glyphs" => "文字完整",
        "clipped_ink" => "文字未被裁切",
        "ssim" => "画面相似度",
        "color_match" => "色彩一致",
        "fidelity" => "产品一致",
        "provenance" => "来源声明",
        other => other,
    }
}

/// What was measured or is required, as far as it is figures and units; the gate's English is left
/// out, since the name of the check says what it is about.
pub(super) fn measure(value: &str) -> String {
    const UNITS: &[&str] = &["s", "ms", "LUFS", "dBTP", "Hz", "x"];
    let figures = value.split(' ').take_while(|word| {
        let letters: String = word.chars().filter(char::is_ascii_alphabetic).collect();
        letters.is_empty() || UNITS.contains(&letters.as_str())
    });
    let (least, rest) = match (value.strip_prefix("at least "), value.strip_prefix("at most ")) {
        (Some(rest), _) => ("至少 ", rest),
        (None, Some(rest)) => ("至多 ", rest),
        (None, None) => ("", ""),
    };
    if !least.is_empty() {
        return format!("{least}{}", measure(rest));
    }
    figures.collect::<Vec<_>>().join(" ").replace(" %", "%").trim_end_matches([',', ';']).to_owned()
}
