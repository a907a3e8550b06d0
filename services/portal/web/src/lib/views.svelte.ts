// Pages that the organization keeps under names: their addresses hold everything that was chosen on them.

import { ask, askAll } from '../api/client';
import type { SavedView } from '../api/views';
import { Loader } from './loader.svelte';
import { session } from './session.svelte';

class Views {
  readonly loader = new Loader(() => (session.may('results:read') ? askAll<SavedView>('/v1/views') : Promise.resolve([])));
  readonly all = $derived(this.loader.data ?? []);

  /** Those of one page, whatever was chosen on it. */
  of(path: string): SavedView[] {
    return this.all.filter((one) => one.address.split('?')[0] === path);
  }

  async keep(name: string, address: string): Promise<SavedView> {
    const made = await ask<SavedView>('/v1/views', { method: 'POST', body: { name, address } });
    this.loader.data = [made, ...this.all];
    return made;
  }

  async remove(id: string): Promise<void> {
    await ask(`/v1/views/${id}`, { method: 'DELETE' });
    this.loader.data = this.all.filter((one) => one.id !== id);
  }
}

export const views = new Views();
