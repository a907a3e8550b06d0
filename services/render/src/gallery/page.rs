//! The page of the gallery.

use spotwright_schemas::storyboard::Layout;

use super::{Kind, Sheet, word};

/// Every frame in its style, with a link to its file.
pub(super) fn html(sheets: &[Sheet], layouts: &[Layout], stand_ins: &[Kind], refused: &[String]) -> String {
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Gallery</title>\n<style>\nbody { font: \
         15px/1.5 system-ui, sans-serif; margin: 2rem; background: #15171a; color: #e8e8e6 }\nh2 { font-size: \
         1.1rem; margin: 2rem 0 .6rem }\nsection { display: grid; grid-template-columns: \
         repeat(auto-fill, minmax(11rem, 1fr)); gap: .8rem }\nfigure { margin: 0 }\nimg { width: 100%; height: \
         auto; display: block }\nfigcaption { font-size: .8rem; color: #a9a9a4 }\na { color: inherit }\n</style>\n\
         <h1>Gallery</h1>\n",
    );
    if !stand_ins.is_empty() {
        let kinds: Vec<&str> = stand_ins.iter().map(|kind| kind.as_str()).collect();
        page.push_str(&format!("<p>Drawn stand-ins show: {}.</p>\n", kinds.join(", ")));
    }
    for fault in refused {
        page.push_str(&format!("<p>Not drawn: {}</p>\n", escaped(fault)));
    }
    for sheet in sheets {
        let name = sheet.name();
        page.push_str(&format!("<h2><a href=\"{name}.png\">{name}</a></h2>\n<section>\n"));
        for layout in layouts {
            let (layout, size) = (word(layout), sheet.aspect.size());
            page.push_str(&format!(
                "<figure><a href=\"frames/{name}-{layout}.png\"><img loading=\"lazy\" alt=\"{layout}\" \
                 width=\"{}\" height=\"{}\" src=\"frames/{name}-{layout}.png\"></a><figcaption>{layout}\
                 </figcaption></figure>\n",
                size.width, size.height
            ));
        }
        page.push_str("</section>\n");
    }
    page.push_str("</html>\n");
    page
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
