import{X as p,am as t,a1 as c}from"./i18n.svelte-BSUbqhHl.js";function l(n,s,...e){var r=new c(n);p(()=>{const a=s()??null;r.ensure(a,a&&(o=>a(o,...e)))},t)}export{l as s};
