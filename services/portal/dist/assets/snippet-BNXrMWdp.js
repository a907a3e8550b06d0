import{S as p,aC as t,W as c}from"./i18n.svelte-CPnbULC6.js";function l(a,s,...e){var r=new c(a);p(()=>{const n=s()??null;r.ensure(n,n&&(o=>n(o,...e)))},t)}export{l as s};
