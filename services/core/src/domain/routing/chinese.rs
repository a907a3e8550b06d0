//! Why a source is left out, in Simplified Chinese.

use spotwright_schemas::locale::{Language, Locale};

use super::Reason;
use crate::ports::clip_source::Ability;

impl Reason {
    /// The reason without a final point, in a language. A source's own words stand as a quotation.
    #[must_use]
    pub fn told(&self, locale: Locale) -> String {
        match locale.language() {
            Language::English => self.to_string(),
            Language::Chinese => self.in_chinese(),
        }
    }

    fn in_chinese(&self) -> String {
        match self {
            Self::NotWished => "简报只要求其他来源".to_owned(),
            Self::Ability { missing } => {
                let names: Vec<&str> = missing.iter().map(|ability| ability_name(*ability)).collect();
                format!("不能制作{}", names.join("、"))
            }
            Self::Length { seconds, at_most } => {
                format!("镜头需要 {seconds:.2} 秒，它最长只能做 {at_most:.2} 秒")
            }
            Self::Territory { licence, territories } => {
                format!("它的许可 `{licence}` 不适用于 {}", territories.join("、"))
            }
            Self::TerritoryUnknown { licence, excluded } => {
                format!("它的许可 `{licence}` 不适用于 {}，而简报没有说明投放地区", excluded.join("、"))
            }
            Self::Revenue { licence, limit_usd } => {
                format!("它的许可 `{licence}` 对年收入 {limit_usd} 美元以上的广告主收费")
            }
            Self::Refused { message } => format!("来源拒绝了请求：`{}`", message.replace('`', "'")),
            Self::OtherCurrency { price, cap } => {
                format!("报价币种为 {}，价格上限的币种为 {}", price.code(), cap.code())
            }
            Self::Price { at_most, cap, currency } => format!(
                "最多需要 {} {}，价格上限为 {}",
                at_most.to_decimal(),
                currency.code(),
                cap.to_decimal()
            ),
            Self::Deadline { expected_seconds, left_seconds } => {
                format!("大约需要 {expected_seconds:.0} 秒，只剩 {left_seconds:.0} 秒")
            }
        }
    }
}

const fn ability_name(ability: Ability) -> &'static str {
    match ability {
        Ability::TextToVideo => "只凭文字的镜头",
        Ability::ImageToVideo => "以给定图片开头的镜头",
        Ability::LastFrame => "以给定图片结尾的镜头",
        Ability::MultiImage => "含多张参考图内容的镜头",
        Ability::VideoReference => "沿用参考镜头的镜头",
        Ability::MultiShot => "一条之内的多个镜头",
        Ability::Extend => "已有镜头的续段",
        Ability::LipSync => "对口型的镜头",
        Ability::MotionBrush => "沿路径运动的局部画面",
        Ability::Picture => "静态图片",
        Ability::Speech => "由文字生成的语音",
        Ability::Sound => "自带的声音",
    }
}
