import{a8 as s,aG as t,ac as m}from"./PageBar-Cv0OudPO.js";function l(n,o,r){var c=new m(n);s(()=>{var a=o()??null;c.ensure(a,a&&(e=>r(e,a)))},t)}export{l as c};
