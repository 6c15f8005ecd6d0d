"""Gradients of matrix products and norms for src/autodiff/rules/linalg.test.ts.

    python -m tools.reference.rules_linalg
"""

import torch

from .rule_cases import Cases


def main() -> None:
    cases = Cases("linalg")
    for label, a, b in [
        ("vector times vector", [4], [4]),
        ("vector times matrix", [4], [4, 3]),
        ("matrix times vector", [3, 4], [4]),
        ("matrix times matrix", [3, 4], [4, 5]),
        ("stack times matrix", [2, 3, 4], [4, 5]),
        ("stack times vector", [2, 3, 4], [4]),
        ("matrix times stack", [3, 4], [2, 4, 5]),
        ("vector times stack", [4], [2, 4, 3]),
        ("stack times stack", [2, 3, 4], [2, 4, 3]),
        ("stack of one times stack", [1, 3, 4], [2, 4, 3]),
        ("broadcast both ways", [2, 1, 3, 4], [1, 3, 4, 2]),
        ("missing leading axis", [2, 3, 2, 4], [3, 4, 2]),
    ]:
        cases.add(label, "MatMul", [a, b], torch.matmul)

    for trans_a, trans_b in [(0, 0), (0, 1), (1, 0), (1, 1)]:
        for label, c in [("row", [5]), ("full", [3, 5]), ("column", [3, 1]), ("scalar", []), ("none", None)]:
            alpha, beta = (0.5, 1.5) if label in ("row", "column") else (1.0, 1.0)

            def gemm(a, b, c=None, trans_a=trans_a, trans_b=trans_b, alpha=alpha, beta=beta):
                product = alpha * ((a.T if trans_a else a) @ (b.T if trans_b else b))
                return product if c is None else product + beta * c

            cases.add(
                f"transA {trans_a}, transB {trans_b}, C {label}",
                "Gemm",
                [[4, 3] if trans_a else [3, 4], [5, 4] if trans_b else [4, 5], *([] if c is None else [c])],
                gemm,
                attributes={"transA": trans_a, "transB": trans_b, "alpha": alpha, "beta": beta},
            )

    for equation, *shapes in [
        ("ij,jk->ik", [2, 3], [3, 4]),
        ("bhid,bhjd->bhij", [2, 2, 3, 4], [2, 2, 2, 4]),
        ("...ij,...jk->...ik", [2, 3, 4], [1, 4, 2]),
        ("b i d, j d -> b i j", [2, 3, 4], [2, 4]),
        ("ij,k->k", [2, 3], [4]),
        ("ab,bc,cd->ad", [2, 3], [3, 4], [4, 2]),
        ("nhwpqc->nchpwq", [1, 2, 2, 2, 2, 3]),
        ("bij", [2, 3, 4]),
        ("ij,jk", [2, 3], [3, 4]),
        ("ij->", [2, 3]),
        ("i...,i...->...", [2, 3, 1], [2, 1, 4]),
    ]:

        def einsum(*operands, equation=equation):
            return torch.einsum(equation, *operands)

        cases.add(equation, "Einsum", shapes, einsum, attributes={"equation": equation})
    cases.write()


if __name__ == "__main__":
    main()
