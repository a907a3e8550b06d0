// How much waits for whoever is signed in.

import { reviews } from './reviews.svelte';
import { session } from './session.svelte';
import { verdicts } from './verdicts.svelte';
import { workspace } from './workspace.svelte';

class Needs {
  readonly decisions = $derived(session.may('experiments:write') ? verdicts.due : []);
  readonly count = $derived(workspace.waiting.length + reviews.runs.length + this.decisions.length);
}

export const needs = new Needs();
