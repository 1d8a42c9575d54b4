"""The hosted page: a payer chooses what their bank does. Card numbers are neither asked for nor taken.

`/pay/{session}` lists the choices; a 3-D Secure step is at `/pay/{charge}/challenge`. Both end with 303 to
the shop's `return_url`, where there is one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import jinja2
from aiohttp import web

from app.sandbox import charges
from app.sandbox.desk import Desk
from app.sandbox.draft import Draft, Refusal, not_found
from app.sandbox.money import decimal_text
from app.sandbox.objects import Charge, Session
from app.sandbox.tokens import TOKENS
from app.sandbox.views import challenge_url

TEMPLATES: Final = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")), autoescape=True
)
CHOICES: Final = [("token", name, token.title) for name, token in TOKENS.items() if token.title]
STEP: Final = [("answer", "approve", "Approve"), ("answer", "refuse", "Refuse")]
PROBLEMS: Final = {
    "card_declined": "The card was declined. Try another one.",
    "insufficient_funds": "There is not enough money in that account. Try another one.",
    "authentication_failed": "The bank could not confirm that it is you. Try another card.",
    "authentication_refused": "You refused the payment. Nothing was taken.",
}


class Pages:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/pay/{id}", self.show),
            web.post("/pay/{id}", self.pay),
            web.get("/pay/{id}/challenge", self.show_step),
            web.post("/pay/{id}/challenge", self.step),
        ]

    async def show(self, request: web.Request) -> web.Response:
        session = self._session(request)
        charge = self._charge(session.charge)
        if charge.status == "requires_action":
            raise web.HTTPSeeOther(challenge_url(charge, ""))
        if session.status != "open":
            return _end(session.status == "complete", session.return_url)
        problem = PROBLEMS.get(charge.reason or "", charge.reason) if charge.status == "failed" else None
        return _page(
            session.description or "Payment",
            amount=_amount(session),
            problem=problem,
            choices=CHOICES,
            back=session.return_url,
        )

    async def pay(self, request: web.Request) -> web.Response:
        """Raises HTTPSeeOther: to the shop, to the 3-D Secure step, or back to the page with the reason."""
        session = self._session(request)
        token = str((await request.post()).get("token", ""))
        if token not in TOKENS:
            raise Refusal(400, "invalid_request", "choose one of the page's means of payment", "token")
        if session.status == "open" and self._charge(session.charge).status in charges.UNPAID:
            charge_id = session.charge
            self._desk.perform(
                session.id, lambda draft: charges.attempt(draft, draft.get(Charge, charge_id), token)
            )
        return self._onwards(self._charge(session.charge))

    async def show_step(self, request: web.Request) -> web.Response:
        charge = self._charge(request.match_info["id"])
        if charge.status != "requires_action":
            return self._onwards(charge)
        text = "Your bank asks whether it is you who pays."
        return _page("3-D Secure", amount=_amount(charge), text=text, choices=STEP)

    async def step(self, request: web.Request) -> web.Response:
        charge = self._charge(request.match_info["id"])
        approved = (await request.post()).get("answer") == "approve"
        if charge.status == "requires_action":

            def answer(draft: Draft) -> Charge:
                return charges.challenge(draft, charge.id, approved=approved)

            charge = self._desk.perform(charge.id, answer)
        return self._onwards(charge)

    def _onwards(self, charge: Charge) -> web.Response:
        session = self._desk.books.all(Session).get(charge.session or "")
        if charge.status == "requires_action":
            raise web.HTTPSeeOther(challenge_url(charge, ""))
        if session is not None and session.status == "open":
            raise web.HTTPSeeOther(f"/pay/{session.id}")
        back = session.return_url if session is not None else charge.return_url
        if back is None:
            return _end(charge.status in ("authorized", "captured"), None)
        raise web.HTTPSeeOther(back)

    def _session(self, request: web.Request) -> Session:
        found = self._desk.books.all(Session).get(request.match_info["id"])
        if found is None:
            raise not_found(Session, request.match_info["id"])
        return found

    def _charge(self, charge_id: str) -> Charge:
        found = self._desk.books.all(Charge).get(charge_id)
        if found is None:
            raise not_found(Charge, charge_id)
        return found


def problem_page(refusal: Refusal) -> web.Response:
    """What a payer's browser shows instead of an error for programs."""
    page = _page("This does not work", problem=refusal.message)
    page.set_status(refusal.status)
    return page


def _amount(thing: Session | Charge) -> str:
    return f"{decimal_text(thing.amount, thing.currency)} {thing.currency}"


def _end(paid: bool, back: str | None) -> web.Response:
    return _page("Paid" if paid else "Not paid", text="You can close this page.", back=back)


def _page(title: str, **parts: Any) -> web.Response:
    html = TEMPLATES.get_template("page.html").render(title=title, **parts)
    policy = "default-src 'none'; style-src 'unsafe-inline'; form-action *; frame-ancestors 'none'"
    headers = {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    return web.Response(text=html, content_type="text/html", headers=headers)
