// Who did something, as people call them.

import type { Author } from '../api/next';
import { t } from './i18n.svelte';

/** A name, or what kind of somebody it was. */
export function nameOf(author: Author): string {
  if (author.name) return author.kind === 'reviewer' ? t('author.reviewer', { name: author.name }) : author.name;
  return t(`author.kind_${author.kind}`);
}
