// Something that somebody does to the service, with a word about it when it is refused.

import { ApiError } from '../api/client';
import { t } from './i18n.svelte';
import { toasts } from './toast.svelte';

/** What to say of a failure. */
export function reason(error: ApiError): string {
  return error.problem?.detail ?? t('problem.offline_detail');
}

/** Does it; a refusal is said at the edge of the page and answered with `undefined`. */
export async function act<T>(deed: () => Promise<T>): Promise<T | undefined> {
  try {
    return await deed();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    toasts.say(reason(error), 'bad');
    return undefined;
  }
}

/** Puts a text where it can be pasted from. */
export async function copy(text: string): Promise<void> {
  await navigator.clipboard.writeText(text).then(
    () => toasts.say(t('keys.copied')),
    () => toasts.say(t('keys.not_copied'), 'bad'),
  );
}
