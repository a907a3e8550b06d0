// The part of a long list that can be seen. Only that part is on the page; what lies before and after it is room.

/** How far beyond the edges rows are kept, in pixels, so that scrolling does not outrun them. */
const BEYOND = 400;

export class ListWindow {
  private above = $state(0);
  private room = $state(900);
  /** Where each row begins, and as the last entry where the list ends. */
  private readonly offsets = $derived.by(() => {
    const n = this.count();
    const found = new Float64Array(n + 1);
    for (let idx = 0; idx < n; idx += 1) found[idx + 1] = (found[idx] ?? 0) + this.heightOf(idx);
    return found;
  });
  readonly first = $derived(this.rowAt(this.above - BEYOND));
  /** One beyond the last row that is shown. */
  readonly last = $derived(Math.min(this.offsets.length - 1, this.rowAt(this.above + this.room + BEYOND) + 1));
  readonly before = $derived(this.offsets[this.first] ?? 0);
  readonly after = $derived((this.offsets.at(-1) ?? 0) - (this.offsets[this.last] ?? 0));

  constructor(
    private readonly count: () => number,
    private readonly heightOf: (idx: number) => number,
  ) {}

  /** Attach to the element that holds the rows. */
  readonly attach = (element: HTMLElement): (() => void) => {
    const scroller = scrollerOf(element);
    let frame = 0;
    const look = (): void => {
      frame = 0;
      const edge = scroller === document.documentElement ? 0 : scroller.getBoundingClientRect().top;
      this.above = Math.max(0, edge - element.getBoundingClientRect().top);
      this.room = scroller.clientHeight;
    };
    const soon = (): void => {
      frame ||= requestAnimationFrame(look);
    };
    const target = scroller === document.documentElement ? window : scroller;
    target.addEventListener('scroll', soon, { passive: true });
    const sizes = new ResizeObserver(soon);
    sizes.observe(scroller);
    look();
    return () => {
      cancelAnimationFrame(frame);
      target.removeEventListener('scroll', soon);
      sizes.disconnect();
    };
  };

  /** How far from the beginning of the list a row begins. */
  at(idx: number): number {
    return this.offsets[Math.max(0, Math.min(idx, this.offsets.length - 1))] ?? 0;
  }

  private rowAt(pixels: number): number {
    const { offsets } = this;
    let [low, high] = [0, Math.max(0, offsets.length - 2)];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((offsets[middle] ?? 0) <= pixels) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function scrollerOf(element: HTMLElement): HTMLElement {
  for (let at = element.parentElement; at; at = at.parentElement)
    if (/auto|scroll/.test(getComputedStyle(at).overflowY)) return at;
  return document.documentElement;
}
