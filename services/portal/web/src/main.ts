import './styles/tokens.css';
import './styles/base.css';
import './styles/parts.css';
import './styles/shell.css';

import { mount } from 'svelte';

import App from './App.svelte';
import { connection } from './lib/connection.svelte';
import { language } from './lib/i18n.svelte';
import { router } from './lib/router.svelte';
import { appearance } from './lib/theme.svelte';

appearance.start();
router.start();
connection.start();
await language.start();
const target = document.getElementById('app');
if (target) mount(App, { target });
