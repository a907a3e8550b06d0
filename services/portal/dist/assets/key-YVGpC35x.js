import{Z as s,a3 as c}from"./i18n.svelte-xSEMKOwk.js";const k=Symbol("NaN");function N(r,e,n){var o=new c(r);s(()=>{var a=e();a!==a&&(a=k),o.ensure(a,n)})}export{N as k};
