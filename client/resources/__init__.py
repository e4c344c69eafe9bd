"""The types of the API's answers.

Generated from the OpenAPI document by `make types`; do not edit.
"""

from client.resources.accounts import Account, ListedSession, Profile, SecurityEvent, Session
from client.resources.catalog import Category, Service
from client.resources.help import HelpArticle, HelpGroup
from client.resources.listing import Actor, Listing, LiveEvent, PageLinks, ServiceReference
from client.resources.messages import Message, Thread, ThreadOrder, ThreadService
from client.resources.notifications import Channels, Notification, NotificationActor, Preferences, UnreadCount
from client.resources.orders import Order, OrderActor, OrderedService, OrderStatus, OrderTransition
from client.resources.payments import (
    Balance,
    PaidService,
    Payment,
    Payout,
    Receivable,
    Refund,
    SandboxAction,
    SignedMoney,
    Statement,
    StatementTotal,
    Transaction,
)
from client.resources.reviews import Reply, Review, ServiceRating, StarCounts
from client.resources.shared import Money, PageInfo, Party, Rating

__all__ = [
    "Account",
    "Actor",
    "Balance",
    "Category",
    "Channels",
    "HelpArticle",
    "HelpGroup",
    "ListedSession",
    "Listing",
    "LiveEvent",
    "Message",
    "Money",
    "Notification",
    "NotificationActor",
    "Order",
    "OrderActor",
    "OrderStatus",
    "OrderTransition",
    "OrderedService",
    "PageInfo",
    "PageLinks",
    "PaidService",
    "Party",
    "Payment",
    "Payout",
    "Preferences",
    "Profile",
    "Rating",
    "Receivable",
    "Refund",
    "Reply",
    "Review",
    "SandboxAction",
    "SecurityEvent",
    "Service",
    "ServiceRating",
    "ServiceReference",
    "Session",
    "SignedMoney",
    "StarCounts",
    "Statement",
    "StatementTotal",
    "Thread",
    "ThreadOrder",
    "ThreadService",
    "Transaction",
    "UnreadCount",
]
