"use strict";
// The error of w2 tanh(w1 x) - t over its patterns, from the compiled functions of one pattern.
window.movingSurface = ({ pattern, residual, jacobian, data }) => {
  const at = ([one, two], n) => ({ w: [null, [[one]], [[two]]], b: [null, [0], [0]], x: [data.x[n]], t: [data.t[n]] });
  const all = data.x.map((_, n) => n);
  const sum = (parts) => parts.reduce((total, part) => total.map((x, k) => x + part[k]));
  return {
    E: (w) => all.reduce((total, n) => total + pattern(at(w, n)).E, 0),
    gradient: (w) => sum(all.map((n) => pattern(at(w, n)).gradient)),
    hessian: (w) => [0, 1].map((row) => sum(all.map((n) => pattern(at(w, n)).hessian[row]))),
    residuals: (w) => all.map((n) => residual(at(w, n)).e),
    jacobian: (w) => all.map((n) => jacobian(at(w, n)).J),
  };
};
