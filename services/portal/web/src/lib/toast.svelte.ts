// Short messages at the edge of the page.

export interface Toast {
  id: number;
  text: string;
  tone: 'plain' | 'bad';
}

class Toasts {
  all = $state<Toast[]>([]);
  private next = 1;

  say(text: string, tone: Toast['tone'] = 'plain'): void {
    const id = this.next++;
    this.all.push({ id, text, tone });
    setTimeout(() => this.drop(id), 8_000);
  }

  drop(id: number): void {
    this.all = this.all.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();
