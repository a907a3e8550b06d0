import{X as s,a1 as c}from"./i18n.svelte-BSUbqhHl.js";const k=Symbol("NaN");function N(r,e,n){var o=new c(r);s(()=>{var a=e();a!==a&&(a=k),o.ensure(a,n)})}export{N as k};
