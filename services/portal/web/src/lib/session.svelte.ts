// Who is signed in.

import type { SessionView, SignedIn } from '../api/types';

class Session {
  current = $state.raw<SessionView | undefined>(undefined);
  /** Whether the session ended while somebody was at work: what they typed stays where it is. */
  expired = $state(false);

  may(scope: string): boolean {
    return this.current?.scopes.includes(scope) ?? false;
  }

  /** What to call who is signed in: a person's name, else the key's. */
  get name(): string {
    return this.current?.person?.name || this.current?.person?.email || this.current?.key_name || '';
  }

  take(answer: SignedIn): void {
    const before = this.current?.organization.id;
    this.current = answer.session ?? undefined;
    if (!this.current) return;
    this.expired = false;
    // Another organization's pages must not show what was loaded for this one.
    if (before !== undefined && before !== this.current.organization.id) location.assign('/portal/');
  }

  ended(): void {
    if (this.current) this.expired = true;
  }
}

export const session = new Session();
