"""The sentences demo people say to each other, with `{customer}` and `{provider}` for first names."""

OPENINGS = (
    "",
    "Hello {provider}! ",
    "Hi {provider}, I found you through the search. ",
    "Good morning. ",
    "A friend sent me here. ",
)
CLOSINGS = (
    "",
    " There is no hurry, but I would like to know by when.",
    " I can send more material as soon as you say yes.",
    " If anything is unclear, please ask before you begin.",
    " Thank you for having a look.",
    " I am flexible about the details.",
)
CUSTOMER_QUESTIONS = (
    "Quick question before you decide: is the description enough, or should I send pictures?",
    "Would the end of next week be realistic?",
    "I forgot to say that I am away on Thursday.",
    "Do you need the original files, or will a scan do?",
    "May I still change a detail until you begin?",
)
PROVIDER_ANSWERS = (
    "Thank you, {customer}, that is all I need. I begin on Monday.",
    "That works for me. I will write when the first version is there.",
    "Good question. A scan is fine as long as it is straight.",
    "Yes, until I begin you may change what you like.",
    "I have read everything twice and have no questions, which is rare.",
    "Could you tell me which of the two matters more to you, if I can only have one?",
)
PROGRESS = (
    "Halfway there. It is going well.",
    "A short note so that you do not wonder: I am on schedule.",
    "I took a small liberty in the middle. Say so if you dislike it.",
    "The first version is on my desk; I let it rest for a night before you see it.",
    "One detail took longer than I thought, the rest did not.",
)
DELIVERY_NOTES = (
    "Here it is. Please look at it in daylight.",
    "Finished. The files are named so that you find them again.",
    "Done a day early. Take your time with looking.",
    "Everything you asked for, and one small thing you did not.",
    "This is it. I am glad about how it turned out.",
    None,
)
CHANGE_REASONS = (
    "Nearly. The second part says the opposite of what I meant.",
    "Beautiful, but the name is spelt with one t.",
    "Could it be a little smaller and a little calmer?",
    "Two of the items are missing; I have marked them in my message.",
)
THANKS = (
    "Wonderful, thank you!",
    "Exactly what I had hoped for.",
    "I showed it around and nobody complained, which has never happened.",
    "Thank you, {provider}. Until next time.",
    "That was quick. Thank you.",
)
AFTERWORDS = (
    "It was a pleasure. Come back whenever you like.",
    "Thank you for the clear brief, {customer}.",
    "Glad it fits. Tell me how it went.",
)
DECLINE_REASONS = (
    "I am fully booked until the end of next month and do not want to keep you waiting.",
    "This needs somebody who knows the subject better than I do. Sorry!",
    "The piece is larger than this service covers; please order twice or write to me first.",
    "I will be travelling in exactly these weeks.",
)
CUSTOMER_CANCEL_REASONS = (
    "Our plans have changed and the date is gone. Sorry for the trouble.",
    "I found the lost original, so there is nothing left to do.",
    "The budget was cut this morning.",
)
PROVIDER_CANCEL_REASONS = (
    "I broke my wrist and cannot keep the date. You pay nothing, of course.",
    "My computer died with everything on it. I would rather be honest than late.",
    "I cannot do this as well as you deserve.",
)
DISPUTE_REASONS = (
    "What I got is not what the service describes, and we cannot agree on it.",
    "There has been no answer for a week and my date is near.",
    "The requirements have grown to three times of what was ordered.",
)
RESOLUTIONS = {
    2: "Both sides have agreed on what is still missing. The work goes on.",
    4: "The work matches the description that was ordered. The order is completed.",
    7: "The work was not begun in time. The order is cancelled and nothing is owed.",
}
REVIEWS = {
    5: (
        "Better than I imagined, and on time. I have nothing to add, which is new for me.",
        "Listens first, works second. I will be back.",
        "Friendly, exact and quick. The result hangs on our wall now.",
        "Answered every question before I had it.",
        "A pleasure from the first message to the last.",
        "I ordered one and will order three more.",
        None,
    ),
    4: (
        "Very good work; one more picture of the way there would have been nice.",
        "Lovely result. It took a day longer than planned, but I was told in time.",
        "Good, solid, and kindly explained.",
        "Nearly perfect, and the small rest was fixed at once.",
    ),
    3: (
        "Fine in the end, after some back and forth.",
        "The work is good, the messages were few.",
        "Decent. I had expected a little more for the price.",
    ),
    2: (
        "It does what it should, but I had to ask for every step.",
        "Late, and not quite what I described.",
    ),
    1: ("We did not understand each other at all. A pity.",),
}
REPLIES = {
    True: (
        "Thank you, {customer}! It was a joy to work for you.",
        "That makes my week. Thank you.",
        "Thank you. Good briefs make good work.",
    ),
    False: (
        "Thank you for saying it openly. I have changed how I plan such work.",
        "I am sorry about the delay, and thank you for your patience.",
        "I understand. If you write to me, I will put the rest right.",
    ),
}
REFUND_REASONS = (
    "Half a day late, so a quarter of it is back with you.",
    "We agreed on less in the end.",
    "As promised: a part of it back for the delay.",
)
