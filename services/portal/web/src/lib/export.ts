// Charts and tables as files. Each says where its figures come from.

export interface Column {
  name: string;
  /** Numbers stand at the right edge. */
  num?: boolean;
  /** Whether the values are of no source: places, counts of ads, predictions. */
  plain?: boolean;
  /** Of which source the values are, where it is not that of the chart. */
  source?: 'simulated' | 'billed';
}

export type Cell = string | number | null;

/** A table as CSV by RFC 4180. A text that a spreadsheet would take for a formula is kept from being one. */
export function csv(columns: readonly Column[], rows: readonly (readonly Cell[])[]): string {
  const field = (cell: Cell): string => {
    if (cell === null) return '';
    if (typeof cell === 'number') return String(cell);
    const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns.map((column) => field(column.name)), ...rows.map((row) => row.map(field))].map((row) => `${row.join(',')}\r\n`).join('');
}

export function save(name: string, content: BlobPart, type: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

const SVG = 'http://www.w3.org/2000/svg';

/** Properties that a drawing takes from the style sheets of the page. */
const DRAWN = ['fill', 'fill-opacity', 'stroke', 'stroke-width', 'stroke-dasharray', 'opacity', 'font-size', 'font-weight', 'font-family', 'text-anchor'];

/** Drawings below one another as one file, with their colors, on the ground of the page. */
export function drawing(all: readonly SVGSVGElement[]): { text: string; width: number; height: number } {
  const sizes = all.map((svg) => svg.getBoundingClientRect());
  const width = Math.max(1, ...sizes.map((size) => size.width));
  const whole = document.createElementNS(SVG, 'svg');
  let height = 0;
  for (const [idx, svg] of all.entries()) {
    const copy = colored(svg);
    copy.setAttribute('y', String(height));
    whole.append(copy);
    height += sizes[idx]?.height ?? 0;
  }
  const ground = document.createElementNS(SVG, 'rect');
  ground.setAttribute('width', '100%');
  ground.setAttribute('height', '100%');
  const body = all[0]?.closest('.main');
  ground.setAttribute('fill', getComputedStyle(body ?? document.documentElement).backgroundColor || '#fff');
  whole.prepend(ground);
  whole.setAttribute('width', String(width));
  whole.setAttribute('height', String(height));
  whole.setAttribute('viewBox', `0 0 ${width} ${height}`);
  whole.setAttribute('xmlns', SVG);
  return { text: new XMLSerializer().serializeToString(whole), width, height };
}

function colored(svg: SVGSVGElement): SVGSVGElement {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  const [from, to] = [svg.querySelectorAll('*'), copy.querySelectorAll('*')];
  for (const [idx, element] of [...from].entries()) {
    const style = getComputedStyle(element);
    for (const name of DRAWN) {
      const value = style.getPropertyValue(name);
      if (value) to[idx]?.setAttribute(name, value);
    }
    to[idx]?.removeAttribute('class');
  }
  return copy;
}

/** Drawings as a picture, twice as fine as on the page. */
export async function picture(all: readonly SVGSVGElement[]): Promise<Blob> {
  const { text, width, height } = drawing(all);
  const url = URL.createObjectURL(new Blob([text], { type: 'image/svg+xml' }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = Math.ceil(width * 2);
    canvas.height = Math.ceil(height * 2);
    canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((found, lost) => canvas.toBlob((blob) => (blob ? found(blob) : lost(new Error('no picture'))), 'image/png'));
  } finally {
    URL.revokeObjectURL(url);
  }
}
