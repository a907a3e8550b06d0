import{S as s,aC as t,W as m}from"./i18n.svelte-CPnbULC6.js";function l(a,o,r){var e=new m(a);s(()=>{var n=o()??null;e.ensure(n,n&&(c=>r(c,n)))},t)}export{l as c};
