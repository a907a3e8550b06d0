import{S as p,aE as t,W as c}from"./i18n.svelte-DdKJXh5b.js";function E(a,s,...e){var r=new c(a);p(()=>{const n=s()??null;r.ensure(n,n&&(o=>n(o,...e)))},t)}export{E as s};
