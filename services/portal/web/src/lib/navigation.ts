// The pages that have a place in the navigation. Those that the signed-in role may not open are absent.

import type { IconName } from '../components/icons';
import type { MessageKey } from './i18n.svelte';
import { session } from './session.svelte';

export interface Place {
  key: MessageKey;
  path: string;
  icon: IconName;
  /** One of these permissions opens it; none is needed where none stands here. */
  scopes?: readonly string[];
  /** What stands under the same item. */
  below?: string;
}

export interface Group {
  label?: MessageKey;
  items: readonly Place[];
}

const GROUPS: readonly Group[] = [
  {
    items: [
      { key: 'nav.home', path: '/', icon: 'home' },
      { key: 'nav.inbox', path: '/inbox', icon: 'inbox', scopes: ['runs:read'] },
    ],
  },
  {
    label: 'nav.make',
    items: [
      { key: 'nav.briefs', path: '/briefs', icon: 'brief', scopes: ['briefs:read'] },
      { key: 'nav.runs', path: '/runs', icon: 'run', scopes: ['runs:read'] },
      { key: 'nav.variants', path: '/variants', icon: 'grid', scopes: ['runs:read'] },
      { key: 'nav.brand', path: '/brand', icon: 'target', scopes: ['briefs:read'] },
    ],
  },
  {
    label: 'nav.place',
    items: [
      { key: 'nav.campaigns', path: '/campaigns', icon: 'megaphone', scopes: ['results:read'] },
      { key: 'nav.market', path: '/market', icon: 'bars', scopes: ['results:read'] },
      { key: 'nav.results', path: '/results', icon: 'download', scopes: ['results:read'] },
    ],
  },
  {
    label: 'nav.learn',
    items: [
      { key: 'nav.experiments', path: '/experiments', icon: 'flask', scopes: ['results:read'] },
      { key: 'nav.elements', path: '/elements', icon: 'layers', scopes: ['results:read'] },
      { key: 'nav.calibration', path: '/calibration', icon: 'slash', scopes: ['results:read'] },
    ],
  },
  {
    label: 'nav.operate',
    items: [
      { key: 'nav.money', path: '/money', icon: 'money', scopes: ['runs:read'] },
      { key: 'nav.developers', path: '/developers/keys', icon: 'code', below: '/developers', scopes: ['keys:admin', 'webhooks:admin'] },
      { key: 'nav.settings', path: '/settings/appearance', icon: 'sliders', below: '/settings' },
    ],
  },
];

function opens(place: Place): boolean {
  return place.scopes?.some((scope) => session.may(scope)) ?? true;
}

/** The groups with the pages that may be opened, none of them empty. */
export function places(): Group[] {
  return GROUPS.map((group) => ({ ...group, items: group.items.filter(opens).map(entered) })).filter((group) => group.items.length > 0);
}

/** A section of several tabs is entered by the first tab that may be opened. */
function entered(place: Place): Place {
  if (place.below === '/developers' && !session.may('keys:admin')) return { ...place, path: '/developers/webhooks' };
  if (place.below === '/settings' && session.may('members:admin')) return { ...place, path: '/settings/members' };
  return place;
}

/** The pages of the bar at the bottom of a phone, at most four. */
export function handy(): Place[] {
  const all = places().flatMap((group) => group.items);
  const first = ['/', '/inbox', '/runs', '/experiments'];
  return [...all.filter((one) => first.includes(one.path)), ...all.filter((one) => !first.includes(one.path))].slice(0, 4);
}

export function isOn(place: Place, path: string): boolean {
  // The variants of a run stand below it, and are a page of their own here.
  const ofRun = /^\/runs\/[^/]+\/(variants|storyboard)/.test(path);
  if (ofRun && (place.path === '/variants' || place.path === '/runs')) return place.path === '/variants';
  const below = place.below ?? place.path;
  return path === below || (below !== '/' && path.startsWith(`${below}/`));
}
