//! Columns of TikTok Ads Manager and of its GMV Max reports.
//!
//! # Source
//! Public importers and scripts that write the same headers; no exported file has been seen. Watch
//! thresholds stand in the headers.

use super::Field::{
    AdId, AdName, CampaignName, Clicks, Conversions, Currency, Day, Dimension, GroupName, Impressions, Known,
    Reach, Revenue, Spend, TimeZone, Watch,
};
use super::{Names, of};

const DATED_BY: &str = "ad_interaction_date";

pub(super) const COLUMNS: &[Names] = &[
    of(AdId, "en", &["ad id", "video id"]),
    of(AdName, "en", &["ad name", "creative name", "video title"]),
    of(CampaignName, "en", &["campaign name"]),
    of(GroupName, "en", &["ad group name"]),
    of(Dimension, "en", &["campaign id", "ad group id", "account name"]),
    of(Day, "en", &["by day", "date"]),
    of(Currency, "en", &["currency"]),
    of(TimeZone, "en", &["time zone", "timezone"]),
    of(Spend, "en", &["cost", "spend", "total cost"]),
    of(Impressions, "en", &["impressions", "product ad impressions"]),
    of(Reach, "en", &["reach"]),
    of(Clicks("destination"), "en", &["clicks (destination)", "product ad clicks"]),
    of(Clicks("all"), "en", &["clicks (all)", "clicks"]),
    of(Conversions(DATED_BY), "en", &["conversions", "orders (sku)", "results"]),
    of(Revenue, "en", &["gross revenue", "total purchase value", "purchase value"]),
    of(Watch("video_views_start"), "en", &["video views"]),
    of(Watch("views_2s"), "en", &["2-second video views"]),
    of(Watch("views_6s"), "en", &["6-second video views"]),
    of(Watch("views_25pct"), "en", &["video views at 25%"]),
    of(Watch("views_50pct"), "en", &["video views at 50%"]),
    of(Watch("views_75pct"), "en", &["video views at 75%"]),
    of(Watch("views_100pct"), "en", &["video views at 100%"]),
    of(Watch("avg_play_s"), "en", &["average play time per video view", "average play time per video"]),
    of(
        Known,
        "en",
        &[
            "ctr (destination)",
            "ctr (all)",
            "cpc (destination)",
            "cpm",
            "cost per conversion",
            "conversion rate (cvr)",
            "conversion rate (cvr, clicks)",
            "frequency",
            "cost per 1,000 people reached",
        ],
    ),
    of(AdId, "zh", &["广告 id", "广告id", "视频 id", "视频id"]),
    of(AdName, "zh", &["广告名称", "创意素材名称", "视频标题"]),
    of(CampaignName, "zh", &["系列名称", "推广系列名称"]),
    of(GroupName, "zh", &["广告组名称"]),
    of(Dimension, "zh", &["系列 id", "推广系列 id", "广告组 id", "账户名称"]),
    of(Day, "zh", &["按天", "日期"]),
    of(Currency, "zh", &["货币", "币种"]),
    of(TimeZone, "zh", &["时区"]),
    of(Spend, "zh", &["消耗", "成本", "总成本", "花费"]),
    of(Impressions, "zh", &["展示量", "商品广告曝光数"]),
    of(Reach, "zh", &["覆盖人数", "覆盖量"]),
    of(Clicks("destination"), "zh", &["点击量(目标页面)", "商品广告点击数"]),
    of(Clicks("all"), "zh", &["点击量(全部)", "点击量"]),
    of(Conversions(DATED_BY), "zh", &["转化量", "sku 订单数", "成效"]),
    of(Revenue, "zh", &["总收入", "总购买价值"]),
    of(Watch("video_views_start"), "zh", &["视频播放量", "视频播放次数"]),
    of(Watch("views_2s"), "zh", &["2 秒视频播放量", "视频播放 2 秒次数", "2 秒视频播放次数"]),
    of(Watch("views_6s"), "zh", &["6 秒视频播放量", "视频播放 6 秒次数", "6 秒视频播放次数"]),
    of(Watch("views_100pct"), "zh", &["视频完播量", "视频播放至 100% 次数", "视频播放进度达 100% 的次数"]),
    of(Watch("avg_play_s"), "zh", &["单次视频播放的平均播放时长", "平均单次视频播放时长"]),
    of(
        Known,
        "zh",
        &[
            "点击率(目标页面)",
            "点击率(全部)",
            "千次展示成本 (cpm)",
            "平均点击成本(目标页面)",
            "平均转化成本",
            "转化率 (cvr)",
            "覆盖千人成本",
            "频次",
            "出价方式",
            "广告文案",
        ],
    ),
];
