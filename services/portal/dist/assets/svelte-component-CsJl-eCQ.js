import{S as s,aE as t,W as m}from"./i18n.svelte-DdKJXh5b.js";function E(a,o,r){var e=new m(a);s(()=>{var n=o()??null;e.ensure(n,n&&(c=>r(c,n)))},t)}export{E as c};
