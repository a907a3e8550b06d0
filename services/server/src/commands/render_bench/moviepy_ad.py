# The reference ad of `spotwright render bench` by MoviePy 2: seconds, rate factor and font file are its arguments.
# Three pictures under a moving camera, a shade, two lines that slide in, sound; one thread.
import sys

from moviepy import AudioFileClip, CompositeVideoClip, ImageClip, TextClip, concatenate_videoclips

SIZE = (720, 1280)
total, rate, font = float(sys.argv[1]), sys.argv[2], sys.argv[3]
each = total / 3


def sliding(text, size, color, rest, way):
    line = TextClip(font=font, text=text, font_size=size, color=color, margin=(0, 12), duration=each)
    return line.with_position(lambda t: ("center", rest + way * max(0.0, 1.0 - 2.0 * t)))


def scene(name):
    picture = ImageClip(name, duration=each)
    near = picture.resized(lambda t: SIZE[0] / picture.w * (1.0 + 0.2 * t / each)).with_position("center")
    shade = ImageClip("shade.png", duration=each).with_position((0, 704))
    caption = sliding("限时特惠 今日下单立减50元", 54, "white", 960, 60)
    detail = sliding("Fresh roasted coffee, delivered daily", 34, "#FFE678", 1060, 90)
    return CompositeVideoClip([near, shade, caption, detail], size=SIZE).with_duration(each)


video = concatenate_videoclips([scene(f"s{idx}.png") for idx in range(3)])
video.with_audio(AudioFileClip("a.wav").subclipped(0, total)).write_videofile(
    "moviepy.mp4",
    fps=30,
    codec="libx264",
    preset="veryfast",
    audio_codec="aac",
    threads=1,
    ffmpeg_params=["-crf", rate],
    logger=None,
)
