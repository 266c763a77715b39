"""The look: Gradio's base theme with the overrides that pass WCAG AA, and our style sheet.

Gradio's default themes fail the contrast rules (orange primary button 2.8:1, greys 1.9:1).
"""

from __future__ import annotations

from pathlib import Path

from gradio import themes

STYLE_SHEETS = [Path(__file__).parent.parent / "assets" / "css" / "studio.css"]

ORIGINAL = "#0072B2"
CONVERTED = "#D55E00"
CONTROL = "#6B7280"
UNTRAINED = "#9CA3AF"
"""Okabe-Ito colours (colour-blind safe) and greys: the same meaning in every chart and tile."""

_FALLBACK_FONTS = ("Noto Sans JP", "Noto Sans CJK JP", "Hiragino Sans", "Yu Gothic UI", "Meiryo")


def theme() -> themes.Base:
    """The theme in light and dark, with fonts that Gradio serves itself (no request leaves)."""
    return themes.Base(
        primary_hue="blue",
        neutral_hue="slate",
        radius_size=themes.sizes.radius_md,
        font=[
            themes.LocalFont("IBM Plex Sans", weights=(400, 700)),
            *_FALLBACK_FONTS,
            "system-ui",
            "sans-serif",
        ],
        font_mono=[
            themes.LocalFont("IBM Plex Mono", weights=(400, 700)),
            "ui-monospace",
            "monospace",
        ],
    ).set(
        body_background_fill="#F6F8FB",
        body_background_fill_dark="#0B1220",
        body_text_color="#111827",
        body_text_color_dark="#E5E7EB",
        body_text_color_subdued="#4B5563",
        body_text_color_subdued_dark="#A8B3C4",
        block_background_fill="white",
        block_background_fill_dark="#131C2E",
        block_border_color="#D9DFE8",
        block_border_color_dark="#2B374D",
        border_color_primary="#D9DFE8",
        border_color_primary_dark="#2B374D",
        block_label_text_color="#1F2937",
        block_label_text_color_dark="#D1D9E6",
        block_title_text_color="#1F2937",
        block_title_text_color_dark="#E5E7EB",
        block_title_text_weight="600",
        block_info_text_color="#4B5563",
        block_info_text_color_dark="#A8B3C4",
        block_shadow="none",
        input_border_width="1px",
        input_border_color="#6B7280",
        input_border_color_dark="#7C8AA0",
        input_background_fill="white",
        input_background_fill_dark="#0F1829",
        input_placeholder_color="#6B7280",
        input_placeholder_color_dark="#94A3B8",
        button_primary_background_fill="#0017C1",
        button_primary_background_fill_hover="#00118F",
        button_primary_background_fill_dark="#2F54EB",
        button_primary_background_fill_hover_dark="#1D39C4",
        button_primary_text_color="white",
        button_primary_text_color_dark="white",
        button_border_width="1px",
        button_secondary_background_fill="white",
        button_secondary_background_fill_hover="#EEF2F9",
        button_secondary_background_fill_dark="#1B2740",
        button_secondary_background_fill_hover_dark="#26344F",
        button_secondary_border_color="#6B7280",
        button_secondary_border_color_dark="#7C8AA0",
        button_secondary_text_color="#111827",
        button_secondary_text_color_dark="#E5E7EB",
        checkbox_label_background_fill="white",
        checkbox_label_background_fill_dark="#0F1829",
        checkbox_label_background_fill_hover="#EEF2F9",
        checkbox_label_background_fill_hover_dark="#1B2740",
        checkbox_label_background_fill_selected="#E8EDFF",
        checkbox_label_background_fill_selected_dark="#1B2B57",
        checkbox_label_border_color="#D9DFE8",
        checkbox_label_border_color_dark="#2B374D",
        checkbox_label_border_color_selected="#0017C1",
        checkbox_label_border_color_selected_dark="#9DB4FF",
        checkbox_label_border_width="1px",
        checkbox_border_color="#6B7280",
        checkbox_border_color_dark="#94A3B8",
        color_accent="#0017C1",
        color_accent_soft="#E8EDFF",
        color_accent_soft_dark="#1B2B57",
    )
