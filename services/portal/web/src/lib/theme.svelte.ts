// Light, dark, or as the system is.

export type Theme = 'system' | 'light' | 'dark';
const STORED = 'spotwright.theme';

class Appearance {
  theme = $state<Theme>('system');

  start(): void {
    const stored = localStorage.getItem(STORED);
    this.choose(stored === 'light' || stored === 'dark' ? stored : 'system');
  }

  choose(theme: Theme): void {
    this.theme = theme;
    localStorage.setItem(STORED, theme);
    if (theme === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme;
  }
}

export const appearance = new Appearance();
