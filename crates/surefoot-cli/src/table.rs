//! Tables for people: columns that line up, no frames, so that `awk` and `grep` still work on them.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

/// How a column lines up.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Lays out `rows` under `columns`, each line ended by a line break and without trailing blanks.
pub(crate) fn layout(columns: &[(&str, Align)], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_header(columns.iter().map(|(name, _)| *name));
    table.add_rows(rows);
    for (column, (_, align)) in table.column_iter_mut().zip(columns) {
        column.set_padding((0, 2));
        if matches!(align, Align::Right) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_line_up_on_the_right_and_lines_end_without_blanks() {
        let text = layout(
            &[("TOPIC", Align::Left), ("END", Align::Right)],
            vec![vec!["orders".into(), "7".into()], vec!["o".into(), "10422".into()]],
        );
        assert_eq!(text, "TOPIC     END\norders      7\no       10422\n");
    }
}
