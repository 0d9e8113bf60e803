"""Which column of an unknown file is the customer, the date, the money: by name, then by content.

For `crm new`, which proposes and never decides: each guess says on what evidence.
Names are known in English, German, French, Spanish and Chinese. A name counts only
where the cells agree: a column `order` of prices is no order number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from crmlib.intake.values.numbers import codes_beside

NAMES: dict[str, str] = {
    "customer_id": """customerid custid customerno custno customernumber customer cust client
        clientid clientno clientnumber kunde kundennr kundennummer kundenid kdnr kundenr debitor
        debitorennr debitorennummer clienteid idcliente cliente codigocliente numerocliente
        idclient codeclient numeroclient numéroclient numclient account accountid accountno
        accountnumber member memberid memberno cardno cardid userid user buyer buyerid householdid
        shopperid 客户编号 客户号 客户代码 客户 會員 会员编号 会员号 会员 用户编号 用户
        顧客編號 顧客番号 顧客""",
    "date": """date invoicedate orderdate purchasedate transactiondate transdate saledate salesdate
        bookingdate postingdate day timestamp orderedat purchasedat createdat datetime
        datum rechnungsdatum bestelldatum kaufdatum buchungsdatum belegdatum auftragsdatum
        verkaufsdatum tag fecha fechafactura fechapedido fechacompra fechaventa datecommande
        datefacture dateachat datevente jour
        交易日期 订单日期 购买日期 销售日期 消费日期 下单时间 交易时间 日期 时间""",
    "amount": """amount totalamount netamount amountnet sales salesamount salesvalue revenue
        turnover netsales netrevenue total totalprice totalsales linetotal lineamount ordertotal
        spend extendedprice dollarvalue value ordervalue grossamount umsatz nettoumsatz umsatznetto
        betrag nettobetrag bruttobetrag gesamtbetrag gesamtpreis erlös erloes summe wert montant
        montantht montantttc chiffredaffaires ca importe importetotal monto ventas venta total
        实付金额 销售金额 交易金额 订单金额 消费金额 支付金额 总金额 销售额 金额""",
    "quantity": """quantity qty units pieces count numberofcds noofunits itemcount menge anzahl
        stück stueck stückzahl cantidad unidades quantité quantite qté qte 购买数量 数量 件数""",
    "unit_price": """unitprice price itemprice priceperunit priceeach salesprice einzelpreis preis
        stückpreis stueckpreis verkaufspreis prixunitaire prix pu preciounitario precio
        商品单价 单价 單價 价格""",
    "order_id": """orderid orderno ordernumber order invoiceid invoiceno invoicenumber invoice
        receiptid receiptno receipt basketid basket transactionid transactionno transaction
        ticketid ticket billno belegnr belegnummer beleg bestellnr bestellnummer auftragsnr
        auftragsnummer rechnungsnr rechnungsnummer rechnung bonnr bon commande numerocommande
        numérocommande facture numerofacture pedido numeropedido idpedido factura
        numerofactura 订单编号 订单号 发票号 交易号 小票号 单号""",
    "margin": """margin grossmargin contribution contributionmargin profit grossprofit db
        deckungsbeitrag marge rohertrag gewinn margen beneficio bénéfice 毛利 利润""",
    "product": """product productid productcode sku stockcode item itemid itemcode article articleid
        artikel artikelnr artikelnummer produkt produit producto articulo artículo productname
        description category productcategory warengruppe
        商品编号 产品编号 商品名称 产品名称 商品 产品""",
    "channel": """channel saleschannel orderchannel kanal vertriebskanal canal store storeid shop
        filiale branch tienda magasin outlet 销售渠道 渠道 门店""",
}  # fmt: skip
"""Our name: names that clients give the column, the surest first."""

# German writes compounds as one word: Nettoverkaufsumsatz.
_COMPOUNDS = {
    "date": ("datum",), "amount": ("umsatz", "betrag", "erlös"), "quantity": ("menge", "anzahl"),
    "unit_price": ("preis",), "margin": ("marge",), "customer_id": ("kundennummer", "kundennr"),
    "order_id": ("nummer", "beleg"),
}  # fmt: skip
_IDS = {"customer_id", "order_id"}
_MONEY = {"amount", "unit_price", "margin", "quantity"}
_HALF = 0.5
_WHOLE = 0.2  # of cells with decimals, at most, in a column of numbers or names of things


@dataclass(frozen=True)
class ColumnFacts:
    """What the cells of a column look like.

    Attributes
    ----------
    engine : str
        Its name in the raw table.
    filled, different : int
        Cells that are not blank, and different ones among them.
    days, numbers, decimals : float
        Shares of the filled cells that look like a day, a number, one with decimals.
    """

    name: str
    engine: str
    filled: int
    different: int
    days: float
    numbers: float
    decimals: float

    def may_be(self, role: str) -> bool:
        """Whether the cells allow the role."""
        if role == "date":
            return self.days >= _HALF
        if role in _MONEY:
            return self.numbers >= _HALF
        if role in _IDS and self.decimals > _WHOLE:
            return False
        return self.filled > 0 and (self.days < _HALF or self.numbers >= _HALF)


@dataclass(frozen=True)
class Role:
    """A guess: which column plays the role, and why."""

    column: ColumnFacts
    evidence: str


def guess_roles(columns: Sequence[ColumnFacts], named: bool) -> dict[str, Role]:
    """The likeliest column for each of our roles, where one is likely.

    Parameters
    ----------
    columns : sequence of ColumnFacts
        All columns, in the file's order.
    named : bool
        Whether the file names them.

    Returns
    -------
    dict
        By our name; quantity and unit price only where no column holds the amount.
    """
    roles = _by_name(columns) if named else {}
    _by_content(columns, roles)
    if "amount" in roles or "quantity" not in roles or "unit_price" not in roles:
        price, quantity = roles.pop("unit_price", None), roles.pop("quantity", None)
        if "amount" not in roles and price is not None:
            roles["amount"] = Role(price.column, f"{price.evidence}; there is no quantity")
        elif "amount" not in roles and quantity is not None:
            roles["quantity"] = quantity
    return {role: roles[role] for role in NAMES if role in roles}


def score(name: str, role: str) -> int:
    """How surely a column's name states a role: 100 the name itself … 0 not at all.

    >>> score("Rechnungs-Nr.", "order_id"), score("Ship Date", "date"), score("Country", "date")
    (100, 50, 0)
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    words = re.findall(r"[^\W\d_]+", spaced.lower())
    words = [word for word in words if not codes_beside(word)]
    known = NAMES[role].split()
    if "".join(words) in known:
        return 100
    if any(not synonym.isascii() and len(synonym) > 1 and synonym in name for synonym in known):
        return 80
    if any(word in known for word in words):
        return 50
    return 40 * "".join(words).endswith(_COMPOUNDS.get(role, "\0"))


def _by_name(columns: Sequence[ColumnFacts]) -> dict[str, Role]:
    """Best matches first; each column and each role once."""
    known = {role: names.split() for role, names in NAMES.items()}
    matches = []
    for at, column in enumerate(columns):
        for order, role in enumerate(NAMES):
            points = score(column.name, role)
            if points and column.may_be(role):
                word = re.sub(r"[\W\d_]", "", column.name.lower())
                place = known[role].index(word) if word in known[role] else len(known[role])
                matches.append((-points, place, order, at, role, column))
    roles: dict[str, Role] = {}
    taken: set[str] = set()
    for points, _, _, _, role, column in sorted(matches, key=lambda match: match[:4]):
        if role not in roles and column.engine not in taken:
            evidence = "by its name" if points == -100 else "a part of its name"
            roles[role] = Role(column, evidence)
            taken.add(column.engine)
    return roles


def _by_content(columns: Sequence[ColumnFacts], roles: dict[str, Role]) -> None:
    """Fill the roles that no analysis can do without from what the cells look like."""

    def free() -> list[ColumnFacts]:
        taken = {role.column.engine for role in roles.values()}
        return [column for column in columns if column.engine not in taken and column.filled]

    if "date" not in roles and (days := [c for c in free() if c.days >= _HALF]):
        roles["date"] = Role(max(days, key=lambda c: c.days), "its cells are dates")
    if not {"amount", "unit_price"} & set(roles):
        money = [c for c in free() if c.numbers >= _HALF and c.decimals > _WHOLE]
        if money:
            best = max(money, key=lambda c: c.decimals)
            evidence = f"{best.decimals:.0%} of its cells are numbers with decimals"
            roles["amount"] = Role(best, evidence)
    if "customer_id" not in roles:
        ids = [c for c in free() if c.decimals <= _WHOLE and c.days < _HALF and c.different > 1]
        # An order or row number does not repeat enough, a quantity or shop repeats too much.
        repeating = [c for c in ids if c.different <= 0.9 * c.filled]
        if repeating:
            best = max(repeating, key=lambda c: c.different)
            evidence = f"{best.different:,} different values in {best.filled:,} rows"
            roles["customer_id"] = Role(best, evidence)
