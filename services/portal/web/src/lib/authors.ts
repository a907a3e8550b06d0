// Who did something, as people call them.

import type { Author } from '../api/types';
import { t } from './i18n.svelte';
import { session } from './session.svelte';

/** A name, or what kind of somebody it was. */
export function nameOf(author: Author): string {
  if (author.name) return author.kind === 'reviewer' ? t('author.reviewer', { name: author.name }) : author.name;
  // Who is signed in knows their own name where the answer holds none.
  if (author.kind === 'person' && author.id && author.id === session.current?.person?.id) return session.name;
  return t(`author.kind_${author.kind}`);
}
