// Addresses of the pages, below `/portal`.

const BASE = '/portal';

class Router {
  path = $state('/');
  query = $state.raw(new URLSearchParams());

  start(): void {
    this.read();
    addEventListener('popstate', () => this.read());
    document.addEventListener('click', (event) => {
      if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
      const link = event.target instanceof Element ? event.target.closest('a') : null;
      if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
      if (!link.pathname.startsWith(`${BASE}/`)) return;
      event.preventDefault();
      this.go(link.pathname.slice(BASE.length) + link.search);
    });
  }

  private read(): void {
    this.path = location.pathname.slice(BASE.length) || '/';
    this.query = new URLSearchParams(location.search);
  }

  /** Shows another page. */
  go(path: string, replace = false): void {
    const moved = path.split('?')[0] !== this.path;
    history[replace ? 'replaceState' : 'pushState'](null, '', BASE + path);
    this.read();
    if (moved) document.getElementById('content')?.scrollTo(0, 0);
  }

  /** Changes parts of the query; `undefined` takes one away. */
  set(changes: Readonly<Record<string, string | undefined>>, replace = false): void {
    this.go(this.with(changes), replace);
  }

  /** The address of this page with parts of its query changed, for links. */
  address(changes: Readonly<Record<string, string | undefined>>): string {
    return BASE + this.with(changes);
  }

  private with(changes: Readonly<Record<string, string | undefined>>): string {
    const query = new URLSearchParams(this.query);
    for (const [name, value] of Object.entries(changes)) {
      if (value === undefined || value === '') query.delete(name);
      else query.set(name, value);
    }
    const text = query.toString();
    return this.path + (text ? `?${text}` : '');
  }
}

export const router = new Router();

/** The address of a page, for links. */
export function href(path: string): string {
  return BASE + path;
}

/** The parts of a path that stand where a pattern such as `/runs/:id` has names. */
export function match(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/');
  const given = path.replace(/\/$/, '').split('/');
  if (path === '/' && pattern === '/') return {};
  if (wanted.length !== given.length) return undefined;
  const found: Record<string, string> = {};
  for (const [idx, part] of wanted.entries()) {
    const value = given[idx] ?? '';
    if (part.startsWith(':')) found[part.slice(1)] = value;
    else if (part !== value) return undefined;
  }
  return found;
}
