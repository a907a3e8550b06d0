import{Z as p,aI as t,a3 as c}from"./i18n.svelte-xSEMKOwk.js";function l(n,s,...e){var r=new c(n);p(()=>{const a=s()??null;r.ensure(a,a&&(o=>a(o,...e)))},t)}export{l as s};
