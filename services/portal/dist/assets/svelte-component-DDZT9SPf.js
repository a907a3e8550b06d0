import{Z as s,aF as t,a3 as m}from"./i18n.svelte-CrXGxojQ.js";function l(n,o,r){var e=new m(n);s(()=>{var a=o()??null;e.ensure(a,a&&(c=>r(c,a)))},t)}export{l as c};
