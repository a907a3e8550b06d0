import{X as s,am as m,a1 as t}from"./i18n.svelte-BSUbqhHl.js";function l(n,o,r){var e=new t(n);s(()=>{var a=o()??null;e.ensure(a,a&&(c=>r(c,a)))},m)}export{l as c};
