import{Z as s,aI as t,a3 as m}from"./i18n.svelte-xSEMKOwk.js";function l(n,o,r){var e=new m(n);s(()=>{var a=o()??null;e.ensure(a,a&&(c=>r(c,a)))},t)}export{l as c};
